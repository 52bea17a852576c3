"""The reader of results: both forms of an event, every form of a group, flat memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from burst_compute import read_results
from burst_compute.results import BatchResult, batch_results

FAILURE = {"batchId": 1, "errorType": "ValueError", "message": "bad", "attempts": 3, "requestId": "r-1"}


class Bucket:
    """Objects by key, as an S3 client gives them."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects = objects

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        from io import BytesIO

        assert Bucket == "bucket"
        found = self.objects[Key]
        return {"Body": BytesIO(found if isinstance(found, bytes) else json.dumps(found).encode())}


def combiner_event(results: dict[str, Any], first: list[Any] = []) -> dict[str, Any]:
    return {"jobId": "job", "batchCount": 4, "failures": {"count": 1, "first": first}, "results": results}


def summary(batches: Iterator[BatchResult]) -> list[tuple[Any, ...]]:
    return [(batch.batch_id, batch.state, batch.result, batch.failure and batch.failure.message) for batch in batches]


def test_inline() -> None:
    event = combiner_event({"inline": [10, None, None, None], "failed": [1], "missing": [2]}, [FAILURE])
    # a worker may return null: that is a result
    assert summary(read_results(event)) == [
        (0, "succeeded", 10, None), (1, "failed", None, "bad"), (2, "missing", None, None), (3, "succeeded", None, None),
    ]


def test_tree_inline() -> None:
    batches = [{"start": 64, "end": 65}, {"start": 65, "end": 66}]
    event = combiner_event({"inline": [10, None], "failed": [65], "missing": [], "batches": batches}, [{**FAILURE, "batchId": 65}])
    assert summary(read_results(event)) == [(64, "succeeded", 10, None), (65, "failed", None, "bad")]


def test_tree_entries() -> None:
    lines = [
        {"batches": {"start": 64, "end": 65}, "result": None},
        {"batches": {"start": 65, "end": 66}, "failure": {**FAILURE, "batchId": 65}},
        {"batches": {"start": 4096, "end": 8192}, "ref": {"key": "big", "bytes": 9}},
    ]
    bucket = Bucket({"jobs/job/e1/tree/1-0/o.jsonl": "".join(json.dumps(line) + "\n" for line in lines).encode(), "big": ["big"]})
    event = combiner_event({"entries": "s3://bucket/jobs/job/e1/tree/1-0/o.jsonl"})
    assert summary(read_results(event, client=bucket)) == [
        (64, "succeeded", None, None), (65, "failed", None, "bad"), (4096, "succeeded", ["big"], None),
    ]


def test_manifest_with_every_form_of_group() -> None:
    objects = {
        "jobs/job/e1/manifest.json": {"batchCount": 200, "pieces": ["p0", "p1"]},
        "p0": json.dumps({
            "group": 0, "first": 0, "count": 3, "failed": [FAILURE],
            "data": {"first": 0, "entries": [{"result": 2**60 + 1}, None, {"ref": {"key": "big", "bytes": 9}}]},
        }).encode() + b"\n",
        "p1": json.dumps({"group": 2, "first": 128, "count": 2, "failed": [], "object": "g2"}).encode(),  # no line end
        "big": ["big"],
        "g2": {"first": 128, "entries": [{"result": "\u2028\r"}, {"result": None}], "ids": ["a", "b"]},
    }
    batches = list(read_results(combiner_event({"manifest": "s3://bucket/jobs/job/e1/manifest.json"}), client=Bucket(objects)))
    assert [batch.batch_id for batch in batches] == list(range(200))
    states = {state: [batch.batch_id for batch in batches if batch.state == state] for state in ("succeeded", "failed", "missing")}
    assert states == {"succeeded": [0, 2, 128, 129], "failed": [1], "missing": [*range(3, 128), *range(130, 200)]}
    assert batches[0].result == 2**60 + 1
    assert batches[2].result == ["big"]
    assert batches[1].failure is not None and batches[1].failure.request_id == "r-1"
    assert [(batch.task_id, batch.result) for batch in batches[128:130]] == [("a", "\u2028\r"), ("b", None)]


def test_manifest_with_groups_in_it() -> None:
    manifest = {"batchCount": 1, "groups": [{"group": 0, "first": 0, "count": 1, "failed": [], "data": {"first": 0, "entries": [{"result": 7}]}}]}
    assert summary(batch_results(manifest, lambda key: pytest.fail(key))) == [(0, "succeeded", 7, None)]


@pytest.mark.parametrize("event", [{}, {"results": None}, {"results": {}}, {"jobId": "x", "batchId": 1, "range": {}}])
def test_other_events_are_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not the event of a combiner"):
        read_results(event)


def test_a_wrong_address_is_refused() -> None:
    with pytest.raises(ValueError, match="s3://bucket/key"):
        read_results(combiner_event({"manifest": "https://bucket/key"}))


def peak_of_reading(pieces: int) -> tuple[int, int]:
    """Bytes of results read, and the most that was held meanwhile; the objects are made when they are asked for."""
    groups, per_result = 16, 1000

    def fetch(key: str) -> bytes:
        if key.startswith("g"):
            return json.dumps({"first": 0, "entries": [{"result": "x" * per_result}] * 64}).encode()
        piece = int(key)
        return b"".join(
            json.dumps({"group": g, "first": 64 * g, "count": 64, "failed": [], "object": f"g{g}"}).encode() + b"\n"
            for g in range(piece * groups, (piece + 1) * groups)
        )

    manifest = {"batchCount": 64 * groups * pieces, "pieces": [str(piece) for piece in range(pieces)]}
    tracemalloc.start()
    try:
        read = sum(len(batch.result) for batch in batch_results(manifest, fetch))
        return read, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_stays_flat() -> None:
    small, small_peak = peak_of_reading(3)
    large, large_peak = peak_of_reading(30)
    assert large == 10 * small == 30 * 16 * 64 * 1000
    assert large_peak < 1.5 * small_peak
    assert large_peak < large / 20


def test_boto3_is_imported_only_where_it_is_needed() -> None:
    script = (
        "import sys, burst_compute\n"
        "list(burst_compute.read_results({'results': {'inline': [1], 'failed': [], 'missing': []}}))\n"
        "print([name for name in sys.modules if name.startswith('boto')])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
