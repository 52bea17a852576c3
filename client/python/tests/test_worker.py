"""Handlers from plain functions, called as Lambda calls them."""

from __future__ import annotations

import json
import math
import operator
import subprocess
import sys
import time
from typing import Any

import pytest

from burst_compute import Batch, BatchResult, burst_worker
from burst_compute.worker import function_name

DEADLINE = 1_900_000_000_000


def event(**fields: Any) -> dict[str, Any]:
    return {"jobId": "job", "batchId": 7, "invocationAttempt": 1, "deadlineMs": DEADLINE, **fields}


def items_of(result: Any) -> list[tuple[Any, ...]]:
    return [(item.index, item.state, item.result, item.error_type, item.message) for item in BatchResult(7, "succeeded", result).items()]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 5_000


class OwnError(Exception):
    pass


def test_one_item_after_the_other_of_a_range_and_of_a_list() -> None:
    @burst_worker
    def handler(item: int) -> int:
        return item * item

    assert handler(event(range={"start": 2, "end": 5}), None) == {"results": [4, 9, 16], "errors": []}
    assert handler(event(items=[7]), None) == {"results": [49], "errors": []}
    assert handler.__wrapped__(3) == 9  # type: ignore[attr-defined]


def test_all_items_at_once() -> None:
    @burst_worker
    def handler(items: Any) -> Any:
        return [type(items).__name__, sum(items)]

    assert handler(event(range={"start": 0, "end": 4}), None) == ["range", 6]
    assert handler(event(items=[1, 2]), None) == ["list", 3]


def test_the_unit_can_be_said() -> None:
    @burst_worker(unit="batch")
    def handler(numbers: list[int]) -> int:
        return sum(numbers)

    assert handler(event(items=[1, 2]), None) == 3


def test_parameters_and_batch_are_given_by_name() -> None:
    seen: list[Batch] = []

    @burst_worker
    def handler(item: int, parameters: dict[str, int], *, batch: Batch, power: int = 2) -> int:
        seen.append(batch)
        return int(item**power * parameters["times"])

    assert handler(event(items=[3], parameters={"times": 10}), Context())["results"] == [90]
    [batch] = seen
    assert (batch.job_id, batch.batch_id, batch.attempt, list(batch.items), batch.task_id) == ("job", 7, 1, [3], None)
    assert batch.deadline.timestamp() == DEADLINE / 1000
    assert batch.remaining_seconds() == 5
    nearer = burst_worker(lambda item, batch: batch.remaining_seconds())
    assert nearer(event(items=[0], deadlineMs=(time.time() - 60) * 1000), Context())["results"][0] < 0


def test_errors_of_items_are_reported_and_the_others_count() -> None:
    @burst_worker
    def handler(item: int) -> Any:
        if item == 1:
            raise OwnError("one")
        if item == 2:
            return {1, 2}
        if item == 3:
            return math.nan
        return None if item == 4 else 1 // item

    result = handler(event(range={"start": 0, "end": 6}), None)
    json.dumps(result, allow_nan=False)
    assert items_of(result) == [
        (0, "failed", None, "ZeroDivisionError", result["errors"][0]["message"]),
        (1, "failed", None, f"{__name__}.OwnError", "one"),
        (2, "failed", None, "TypeError", "the result is not JSON: Object of type set is not JSON serializable"),
        (3, "failed", None, "TypeError", result["errors"][3]["message"]),
        (4, "succeeded", None, None, None),
        (5, "succeeded", 0, None, None),
    ]
    assert "test_worker.py" in result["errors"][1]["traceback"]


def test_thousands_of_errors_fit_into_an_answer() -> None:
    @burst_worker
    def handler(item: int) -> None:
        raise ValueError("x" * 200)

    assert len(json.dumps(handler(event(range={"start": 0, "end": 10_000}), None))) < 6_000_000


def test_an_error_may_fail_the_batch() -> None:
    done: list[int] = []

    @burst_worker(errors="fail")
    def handler(item: int) -> int:
        done.append(item)
        return 1 // (item - 1)

    with pytest.raises(ZeroDivisionError):
        handler(event(range={"start": 0, "end": 4}), None)
    assert done == [0, 1]
    with pytest.raises(TypeError, match="not JSON"):
        burst_worker(errors="fail")(lambda item: {item})(event(items=[1]), None)


def test_a_task_is_one_item_and_its_errors_are_its_own() -> None:
    @burst_worker
    def handler(params: dict[str, int], batch: Batch) -> Any:
        return [batch.task_id, 1 // params["n"]]

    assert handler(event(task={"id": "t-1", "function": "any", "params": {"n": 1}}), None) == ["t-1", 1]
    with pytest.raises(ZeroDivisionError):
        handler(event(task={"id": "t-1", "function": "any", "params": {"n": 0}}), None)


def test_listed_functions_are_called_by_name_and_no_others() -> None:
    handler = burst_worker(functions=[pow, "math:gcd", "json:loads"])
    calls = [
        {"function": "builtins:pow", "args": [2, 5], "kwargs": {"mod": 7}},
        {"function": "math:gcd", "args": [12, 18]},
        {"function": "os:system", "args": ["true"]},
        {"function": "subprocess:run", "args": [["true"]]},
        {"function": ["math:gcd"]},
        3,
    ]
    ours = handler(event(items=calls), None)
    assert ours["results"] == [4, 6, None, None, None, None]
    assert [error["errorType"].rpartition(".")[2] for error in ours["errors"]] == ["FunctionNotListed"] * 3 + ["TypeError"]
    assert "builtins:pow, json:loads, math:gcd" in ours["errors"][0]["message"]


def test_a_listed_function_answers_to_the_name_that_its_caller_sees() -> None:
    handler = burst_worker(functions=["operator:mul"])
    assert function_name(operator.mul) == "_operator:mul"
    calls = [{"function": name, "args": [2, 3]} for name in ("operator:mul", "_operator:mul")]
    assert handler(event(items=calls), None)["results"] == [6, 6]


def test_a_name_that_is_not_listed_imports_nothing() -> None:
    script = (
        "import sys, burst_compute\n"
        "handler = burst_compute.burst_worker(functions=[pow])\n"
        "event = {'jobId': 'j', 'batchId': 0, 'invocationAttempt': 1, 'deadlineMs': 0, 'items': [{'function': 'this:s', 'args': []}]}\n"
        "print(handler(event, None)['errors'][0]['errorType'], 'this' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out == "burst_compute.worker.FunctionNotListed False\n"


def test_listed_functions_by_other_names_for_tasks_and_with_a_batch() -> None:
    def tell(value: int, *, batch: Batch, parameters: Any) -> Any:
        return [value, batch.batch_id, parameters]

    handler = burst_worker(functions={"tell": tell, "double": lambda value: 2 * value})
    assert handler(event(task={"id": "a", "function": "double", "params": 4}), None) == 8
    assert handler(event(task={"id": "a", "function": "tell", "params": 4}, parameters="p"), None) == [4, 7, "p"]
    with pytest.raises(Exception, match="double, tell"):
        handler(event(task={"id": "a", "function": "eval", "params": "1"}), None)


async def asynchronous(item: int) -> None: ...


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: burst_worker(asynchronous), "async"),
        (lambda: burst_worker(lambda: None), "takes no argument"),
        (lambda: burst_worker(lambda item, other: None), "asks for other"),
        (lambda: burst_worker(functions=["math"]), "'module:function'"),
        (lambda: burst_worker(functions=["math:pi"]), "not a function"),
        (lambda: burst_worker(functions=[lambda: None]), "cannot be called by name"),
        (lambda: burst_worker(functions=[pow], unit="item"), "no unit"),  # type: ignore[call-overload]
    ],
)
def test_what_cannot_be_a_worker_is_refused_at_once(make: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        make()


def test_wrong_options_and_other_events_are_refused() -> None:
    with pytest.raises(ValueError, match="errors: got 'ignore', allowed"):
        burst_worker(errors="ignore")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="not the event of a worker.*results.*range, items, task"):
        burst_worker(lambda item: item)({"results": {}}, None)
    with pytest.raises(ValueError, match="burst_worker"):
        BatchResult(1, "succeeded", [1]).items()
    with pytest.raises(ValueError, match="it is missing"):
        BatchResult(1, "missing").items()
