"""The client against jobs on the local AWS."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from engine.conftest import ADDRESSES

from burst_compute import (
    AddressError,
    BurstClient,
    CredentialsError,
    InvalidRequestError,
    JobFailedError,
    JobRunningError,
    JobStatus,
    NameTakenError,
    RequestTooLargeError,
    UnknownJobError,
    UnreachableError,
)


def items_request(count: int, **parameters: Any) -> dict[str, Any]:
    return {"items": {"range": {"start": 0, "end": count}}, **({"parameters": parameters} if parameters else {})}


def total_of(count: int) -> int:
    return sum(n * n for n in range(count))


def test_a_job_from_its_start_to_its_answer(items: BurstClient) -> None:
    seen: list[JobStatus] = []
    job = items.submit(items_request(995, bad=7))
    status = items.wait(job, on_progress=seen.append, poll_seconds=0.2)
    assert (status.status, status.batch_count, status.finished, status.failed, status.epoch) == ("SUCCEEDED", 100, 100, 0, 1)
    assert seen[-1] == status
    assert status.started_at is not None and status.ended_at is not None and status.started_at < status.ended_at
    assert status.usage is not None and status.usage["workerInvocations"] == 100
    assert status.cost is not None and 0 < status.cost.overhead_dollars < status.cost.dollars < 0.01
    answer = items.result(job)
    assert answer == {
        "total": total_of(995) - 49, "failedItems": [[0, 7, "ValueError"]], "states": {"succeeded": 100, "failed": 0, "missing": 0}, "form": "inline",
    }
    assert items.manifest(job)["succeededCount"] == 100
    batches = list(items.results(job))
    assert [batch.batch_id for batch in batches] == list(range(100))
    assert sum(item.result["square"] for batch in batches for item in batch.items() if item.state == "succeeded") == total_of(995) - 49
    assert [job] == [summary.job_id for summary in items.list(status="SUCCEEDED") if summary.job_id == job]


def test_a_combiner_reads_results_that_are_too_large_for_its_event(items: BurstClient) -> None:
    job = items.submit(items_request(1300, bytes=4000))
    assert items.wait(job, poll_seconds=0.2).status == "SUCCEEDED"
    assert items.result(job) == {"total": total_of(1300), "failedItems": [], "states": {"succeeded": 130, "failed": 0, "missing": 0}, "form": "manifest"}


@pytest.mark.parametrize("order", ["batch", "finished"])
def test_results_come_while_the_job_runs(items: BurstClient, order: Any) -> None:
    # three groups, of which the first is done long before the last
    job = items.submit({**items_request(1920, sleep=0.12), "maxConcurrency": 4})
    early = None
    seen = []
    for batch in items.results(job, order=order, poll_seconds=0.2):
        if early is None:
            early = items.status(job)
        seen.append(batch.batch_id)
        assert batch.state == "succeeded"
    assert early is not None and not early.has_ended
    assert sorted(seen) == list(range(192))
    if order == "batch":
        assert seen == list(range(192))


def test_failures_and_a_redrive_that_fails_again(items: BurstClient) -> None:
    job = items.submit({**items_request(700, exitIn=3), "toleratedFailurePercentage": 50})
    status = items.wait(job, poll_seconds=0.2)
    assert (status.status, status.failed) == ("SUCCEEDED", 1)
    [failure] = items.failures(job)
    assert failure.batch_id == 3 and failure.attempts == 1 and failure.error_type
    [failed] = [batch for batch in items.results(job) if batch.state != "succeeded"]
    assert failed.failure == failure
    assert items.redrive(job) == 2
    assert items.wait(job, poll_seconds=0.2).epoch == 2
    assert items.result(job)["states"] == {"succeeded": 69, "failed": 1, "missing": 0}
    assert [summary.job_id for summary in items.list(limit=3)].count(job) == 1


def test_a_job_that_fails_says_why(items: BurstClient) -> None:
    job = items.submit(items_request(10, exitIn=0))
    status = items.wait(job, poll_seconds=0.2)
    assert status.status == "FAILED" and status.reason is not None
    assert [failure.batch_id for failure in items.failures(job)] == [0]
    with pytest.raises(JobFailedError, match=f"job {job} is FAILED"):
        items.result(job)


def test_a_request_that_is_refused_says_why(items: BurstClient) -> None:
    job = items.submit({"tasks": [{"function": "nobody"}]})  # which functions there are only the construct knows
    status = items.wait(job, poll_seconds=0.2)
    assert status.status == "FAILED" and 'tasks.0.function: got "nobody", allowed: none' in (status.reason or "")
    with pytest.raises(JobFailedError, match="tasks.0.function"):
        list(items.results(job))


def test_cancel(items: BurstClient) -> None:
    job = items.submit({**items_request(5000, sleep=5), "maxConcurrency": 4})
    with pytest.raises(TimeoutError, match=f"job {job} is .* after 0.5 s"):
        items.wait(job, timeout=0.5, poll_seconds=0.1)
    with pytest.raises(JobFailedError, match="not ended yet"):
        items.result(job)
    while items.status(job).status == "PENDING":
        pass
    with pytest.raises(JobRunningError, match="wait for it or cancel it first"):
        items.redrive(job)
    items.cancel(job)
    assert items.wait(job, poll_seconds=0.2).status == "CANCELLED"
    items.cancel(job)  # again: no error
    states = [batch.state for batch in items.results(job)]
    assert len(states) == 500 and set(states) <= {"missing", "succeeded"}


def test_the_same_request_is_the_same_job(items: BurstClient) -> None:
    request: dict[str, Any] = {"items": {"list": [{"b": 1.5e-7, "a": "\u2028\ud83d\ude00", "10": None, "9": True}] * 3}, "parameters": {"é": 1e21}}
    name = "python-twice"
    assert items.submit(request, name=name) == name
    items.wait(name, poll_seconds=0.2)
    again = {"parameters": {"é": 1e21}, "items": {"list": [dict(reversed(item.items())) for item in request["items"]["list"]]}}
    assert items.submit(again, name=name) == name
    with pytest.raises(NameTakenError, match="python-twice exists already"):
        items.submit({**request, "parameters": 1}, name=name)


def test_large_lists_are_uploaded_once_and_keep_long_integers(calls: BurstClient) -> None:
    numbers = [{"function": "operator:mul", "args": [2**61 + n, 1]} for n in range(6000)]
    request = {"items": {"list": numbers}, "batchSize": 500}
    job = calls.submit(request, name="python-large")
    assert calls.submit(request, name="python-large") == job
    results = [item.result for batch in calls.results(job, poll_seconds=0.2) for item in batch.items()]
    assert results == [2**61 + n for n in range(6000)]
    bucket = json.loads(ADDRESSES["Calls"])["payloadBucket"]
    assert boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"jobs/{job}/upload/")["KeyCount"] == 1
    few = calls.submit({"items": {"list": numbers[:2]}})
    assert [item.result for batch in calls.results(few, poll_seconds=0.2) for item in batch.items()] == [2**61, 2**61 + 1]


def test_unlike_tasks(calls: BurstClient) -> None:
    tasks = [
        {"id": "more", "function": "increment", "params": {"n": 2**61}},
        {"id": "bad", "function": "fail", "params": "value"},
        {"function": "unlisted"},
        {"id": "whole", "function": "whole", "params": [1]},
    ]
    job = calls.submit({"tasks": tasks})
    assert calls.wait(job, poll_seconds=0.2).status == "FAILED"
    with pytest.raises(JobFailedError):
        calls.result(job)
    job = calls.submit({"tasks": tasks, "toleratedFailurePercentage": 50})
    batches = list(calls.results(job, poll_seconds=0.2))
    assert [(batch.task_id, batch.state, batch.result) for batch in batches] == [
        ("more", "succeeded", 2**61 + 1), ("bad", "failed", None), ("2", "failed", None), ("whole", "succeeded", ["whole", [1]]),
    ]
    calls.wait(job, poll_seconds=0.2)
    result = calls.result(job)
    assert result["whole"] == {"status": "SUCCEEDED", "result": ["whole", [1]]}
    assert result["bad"]["error"]["message"] == "remote words"
    assert "allowed: fail, increment" in result["2"]["error"]["message"]
    large = [{"function": "increment", "params": {"n": n, "padding": "x" * 1000}} for n in range(300)]
    job = calls.submit({"tasks": large})
    assert [batch.result for batch in calls.results(job, poll_seconds=0.2)] == list(range(1, 301))


def test_what_cannot_be_sent_is_refused(items: BurstClient) -> None:
    with pytest.raises(RequestTooLargeError, match="250000"):
        items.submit({**items_request(1), "parameters": "x" * 300_000})
    with pytest.raises(InvalidRequestError, match=r"items\.list\.1\.when: datetime is not JSON"):
        from datetime import datetime

        items.submit({"items": {"list": [1, {"when": datetime.now()}]}})
    with pytest.raises(InvalidRequestError, match="nan is no number"):
        items.submit({"items": {"list": [float("nan")]}})
    with pytest.raises(InvalidRequestError, match="75 letters"):
        items.submit(items_request(1), name="a.b")


@pytest.mark.parametrize("verb", ["status", "wait", "result", "cancel", "redrive", "manifest"])
def test_unknown_jobs(items: BurstClient, verb: str) -> None:
    with pytest.raises(UnknownJobError, match="there is no job nobody"):
        getattr(items, verb)("nobody")


def test_the_job_is_found_by_its_stack() -> None:
    job = BurstClient(stack="Python", construct="Items").submit(items_request(10))
    assert BurstClient(stack="Python", construct="Python/Items").wait(job, poll_seconds=0.2).status == "SUCCEEDED"
    arn = json.loads(ADDRESSES["Items"])["stateMachineArn"]
    execution = f"{arn.replace(':stateMachine:', ':execution:')}:{job}"
    for by_arn in (BurstClient(arn), BurstClient(execution)):
        assert by_arn.status(job).status == "SUCCEEDED"
    for options, words in [
        ({"stack": "Python"}, "several BurstComputes.*\n  Python/Calls\n  Python/Items"),
        ({"stack": "Python", "construct": "Others"}, "no BurstCompute Others"),
        ({"stack": "Elsewhere"}, "no stack Elsewhere"),
        ({"state_machine_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:none"}, "no state machine"),
    ]:
        with pytest.raises(AddressError, match=words):
            BurstClient(**options).status("any")


def test_the_way_to_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    address = ADDRESSES["Items"]
    with pytest.raises(UnreachableError, match="does not answer"):
        BurstClient(address=address, endpoint="http://127.0.0.1:9").status("any")
    with pytest.raises(CredentialsError, match="nobody"):
        BurstClient(address=address, profile="nobody").status("any")
