"""The executor, held against what CPython's own tests of its pools ask for (Lib/test/test_concurrent_futures)."""

from __future__ import annotations

import concurrent.futures
import io
import operator
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.conftest import ADDRESSES

from burst_compute import BurstClient, BurstExecutor, InvalidRequestError, RemoteError


@pytest.fixture
def executor(calls: BurstClient) -> Iterator[BurstExecutor]:
    with BurstExecutor(calls) as made:
        yield made


def test_submit(executor: BurstExecutor) -> None:
    assert executor.submit(pow, 2, 8).result() == 256


def test_submit_keyword(executor: BurstExecutor) -> None:
    first, second = executor.submit(pow, 2, exp=8), executor.submit(pow, base=3, exp=2)
    assert (first.result(), second.result()) == (256, 9)
    assert len(executor.job_ids) == 1  # submits are gathered


def test_map(executor: BurstExecutor) -> None:
    assert list(executor.map(pow, range(10), range(10))) == list(map(pow, range(10), range(10)))
    assert list(executor.map(pow, range(10), range(10), chunksize=3)) == list(map(pow, range(10), range(10)))
    assert list(executor.map(pow, [])) == []


def test_map_keeps_its_order(executor: BurstExecutor) -> None:
    assert list(executor.map("worker:nap", [1.0, 0.5, 0], "abc")) == ["a", "b", "c"]


def test_map_exception(executor: BurstExecutor) -> None:
    results = executor.map(divmod, [1, 1, 1, 1], [2, 3, 0, 5])
    assert next(results) == [0, 1]  # a tuple on the worker
    assert next(results) == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_map_timeout(executor: BurstExecutor) -> None:
    results = []
    with pytest.raises(concurrent.futures.TimeoutError):
        for result in executor.map("worker:nap", [0, 0, 9], timeout=6):
            results.append(result)
    assert results in ([None, None], [])  # a group counts when it is whole


def test_no_stale_references_and_all_futures_done(calls: BurstClient) -> None:
    executor = BurstExecutor(calls)
    executor.map("worker:nap", [0.1, 0.1])
    future = executor.submit(operator.mul, 6, 7)
    executor.shutdown()
    assert future.done() and future.result(timeout=0) == 42
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(pow, 2, 5)


def test_shutdown_cancels_what_has_not_begun(calls: BurstClient) -> None:
    executor = BurstExecutor(calls, linger_seconds=60)
    futures = [executor.submit(pow, 2, n) for n in range(5)]
    assert futures[0].cancel() and futures[0].cancelled()
    executor.shutdown(cancel_futures=True)
    assert all(future.cancelled() for future in futures)
    with pytest.raises(concurrent.futures.CancelledError):
        futures[1].result()
    assert executor.job_ids == []


def test_what_runs_cannot_be_cancelled_and_no_wait_does_not_wait(calls: BurstClient) -> None:
    executor = BurstExecutor(calls, linger_seconds=0)
    future = executor.submit("worker:nap", 1, "done")
    while not future.running():
        time.sleep(0.01)
    assert not future.cancel()
    executor.shutdown(wait=False)
    assert not future.done()
    assert future.result(timeout=60) == "done"


def test_as_completed_wait_and_callbacks(executor: BurstExecutor) -> None:
    futures = {executor.submit(operator.mul, n, 2): n for n in range(20)}
    called: list[Any] = []
    for future in futures:
        future.add_done_callback(lambda done: called.append(done.result()))
    assert {future.result() for future in concurrent.futures.as_completed(futures, timeout=60)} == {2 * n for n in range(20)}
    assert concurrent.futures.wait(futures).not_done == set()
    assert sorted(called) == [2 * n for n in range(20)]


def test_exceptions_carry_the_remote_type_message_and_traceback(executor: BurstExecutor) -> None:
    own, key, lost, unlisted = (executor.submit(name, *args) for name, args in [
        ("worker:fail", ["own"]), ("worker:fail", ["key"]), ("worker:fail", ["exit"]), ("os:system", ["true"]),
    ])
    error = own.exception()
    assert isinstance(error, RemoteError)
    assert (error.remote_type, error.message, str(error)) == ("worker.OwnError", "remote words", "worker.OwnError: remote words")
    assert "worker.py" in str(error.__cause__) and error.job_id == executor.job_ids[0]
    with pytest.raises(KeyError, match="remote words"):
        key.result()
    error = lost.exception()  # the process ended: the invocation's error
    assert isinstance(error, RemoteError) and error.remote_type
    error = unlisted.exception()
    assert isinstance(error, RemoteError) and error.remote_type.endswith("FunctionNotListed") and "operator:mul" in error.message


def test_functions_learn_about_their_job(calls: BurstClient) -> None:
    with BurstExecutor(calls, parameters={"p": 1}) as executor:
        results = list(executor.map("worker:tell", "abcde", chunksize=2))
    assert results == [[letter, executor.job_ids[0], size, {"p": 1}] for letter, size in zip("abcde", [2, 2, 2, 2, 1])]


def test_jobs_are_bounded_and_the_rest_goes_into_one(calls: BurstClient) -> None:
    with BurstExecutor(calls, linger_seconds=0, max_jobs=1) as executor:
        first = executor.submit("worker:nap", 1)
        while not first.running():
            time.sleep(0.01)
        rest = []
        for n in range(5):
            rest.append(executor.submit(operator.mul, n, 1))
            time.sleep(0.05)
        assert [future.result() for future in rest] == list(range(5))
    assert len(executor.job_ids) == 2


def test_what_cannot_be_called_is_refused_at_once(executor: BurstExecutor) -> None:
    with pytest.raises(TypeError, match="top level of a module"):
        executor.submit(lambda: 1)
    with pytest.raises(InvalidRequestError, match="args.0: set is not JSON"):
        executor.submit(pow, {1}, 2)
    with pytest.raises(ValueError, match="chunksize"):
        executor.map(pow, [1], chunksize=0)


def test_a_job_that_cannot_be_started_fails_its_futures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with BurstExecutor(BurstClient(address=ADDRESSES["Calls"], endpoint="http://127.0.0.1:9")) as executor:
        future = executor.submit(pow, 2, 2)
        assert "does not answer" in str(future.exception())


def test_a_job_that_is_cancelled_fails_its_futures(calls: BurstClient) -> None:
    with BurstExecutor(calls, max_concurrency=1) as executor:
        results = executor.map("worker:nap", [3] * 100)
        while not executor.job_ids or calls.status(executor.job_ids[0]).status == "PENDING":
            time.sleep(0.05)
        calls.cancel(executor.job_ids[0])
        with pytest.raises(Exception, match="CANCELLED"):
            next(results)


def test_a_worker_of_items_is_told_from_one_of_calls(items: BurstClient) -> None:
    with BurstExecutor(items) as executor:
        assert executor.submit(pow, 2, 2).exception() is not None


def test_a_script_ends_after_its_futures(calls: BurstClient) -> None:
    script = (
        "import os, json, operator\n"
        "from burst_compute import BurstClient, BurstExecutor\n"
        "executor = BurstExecutor(BurstClient(address=json.loads(os.environ['BURST_TEST_ADDRESSES'])['Calls']))\n"
        "executor.submit(operator.mul, 6, 7).add_done_callback(lambda future: print(future.result()))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=100).stdout == "42\n"


def test_a_bar_shows_progress(calls: BurstClient, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with BurstExecutor(calls, progress=True) as executor:
        list(executor.map(operator.mul, range(10), range(10)))
    assert re.search(r"100%.* 10/10 ", shown.getvalue())
