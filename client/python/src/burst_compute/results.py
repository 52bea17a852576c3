"""Results of a job, batch by batch, in flat memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ._aws import read_object, split_uri

State = Literal["succeeded", "failed", "missing"]

Fetch = Callable[[str], bytes]
"""Fetches an object of the payload bucket by its key."""


@dataclass(frozen=True)
class Failure:
    """Why a batch has no result."""

    batch_id: int
    error_type: str
    message: str
    attempts: int
    """Worker calls made for the batch."""
    request_id: str
    """Finds the log lines of the last call; empty when the call never reached the function."""
    task_id: str | None = None
    """Id of the task, in a job of tasks."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Failure:
        """From the JSON that events and rows carry."""
        return cls(
            batch_id=int(document["batchId"]),
            error_type=str(document.get("errorType", "")),
            message=str(document.get("message", "")),
            attempts=int(document.get("attempts", 0)),
            request_id=str(document.get("requestId", "")),
            task_id=document.get("taskId"),
        )


@dataclass(frozen=True)
class ItemResult:
    """What became of one item of a batch whose worker takes one item after the other."""

    index: int
    """Within the batch, from 0."""
    state: Literal["succeeded", "failed"]
    result: Any = None
    """What the function returned; ``None`` unless ``state`` is ``succeeded``."""
    error_type: str | None = None
    """Name of what the function raised, with its module unless that is ``builtins``."""
    message: str | None = None
    traceback: str | None = None
    """Where it was raised; only for the first errors of a batch."""


@dataclass(frozen=True)
class BatchResult:
    """What became of one batch."""

    batch_id: int
    """In combine mode TREE above level 0: the first of the batches that the partial result stands for."""
    state: State
    """``missing``: the job ended before the batch's group was complete."""
    result: Any = None
    """What the worker returned; ``None`` unless ``state`` is ``succeeded``."""
    failure: Failure | None = None
    """Why there is none; only where ``state`` is ``failed``, and inline only for the first failures of a job."""
    task_id: str | None = None
    """Id of the task, in a job of tasks."""

    def items(self) -> Iterator[ItemResult]:
        """The single items of a batch whose worker, made by ``burst_worker``, takes one item after the other.

        Raises:
            ValueError: the batch has no result, or one of another form.
        """
        if self.state != "succeeded":
            why = f": {self.failure.error_type}: {self.failure.message}" if self.failure else ""
            raise ValueError(f"batch {self.batch_id} has no items, it is {self.state}{why}: look at its state first")
        result = self.result
        if not isinstance(result, Mapping) or not isinstance(result.get("results"), list) or not isinstance(result.get("errors"), list):
            raise ValueError(
                f"the result of batch {self.batch_id} does not list items: its worker must be made by burst_worker from a function of one item"
            )
        return _item_results(result["results"], {error["index"]: error for error in result["errors"]})


def _item_results(results: list[Any], errors: dict[int, Mapping[str, Any]]) -> Iterator[ItemResult]:
    for index, result in enumerate(results):
        error = errors.get(index)
        if error is None:
            yield ItemResult(index, "succeeded", result)
        else:
            yield ItemResult(index, "failed", None, error["errorType"], error["message"], error.get("traceback"))


def read_results(event: Mapping[str, Any], *, client: Any = None) -> Iterator[BatchResult]:
    """Every batch of a job in batch order, from the event of its combiner.

    Results are in the event itself or, where they are large, in the payload bucket: then at most one piece of the manifest
    (some MiB) and one group of 64 batches are in memory at a time. boto3 is imported only then. In combine mode TREE these are
    the batches of the call and, above level 0, the partial results.

    Args:
        event: the combiner's event.
        client: an S3 client of boto3 to read with; default: a new one.

    Raises:
        ValueError: the event is not a combiner's.

    Example::

        def handler(event, context):
            return sum(batch.result for batch in read_results(event) if batch.state == "succeeded")
    """
    results = event.get("results")
    if not isinstance(results, Mapping) or not results.keys() & {"inline", "manifest", "entries"}:
        raise ValueError(
            f"not the event of a combiner: it has the fields {', '.join(sorted(map(str, event)))}, needed is "
            '"results" with "inline", "manifest" or "entries": pass the whole event that the combiner is called with'
        )
    if "inline" in results:
        return _inline_results(results, event.get("failures", {}).get("first", ()))
    bucket, key = split_uri(str(results["entries" if "entries" in results else "manifest"]))
    fetch = read_object(bucket, client)
    if "entries" in results:
        return tree_results(fetch(key), fetch)
    return batch_results(json.loads(fetch(key)), fetch)


def _inline_results(results: Mapping[str, Any], first_failures: Any) -> Iterator[BatchResult]:
    failures = {failure["batchId"]: Failure.of(failure) for failure in first_failures}
    failed, missing = set(results.get("failed", ())), set(results.get("missing", ()))
    batches = results.get("batches")
    for position, result in enumerate(results["inline"]):
        batch_id = batches[position]["start"] if batches else position
        if batch_id in missing:
            yield BatchResult(batch_id, "missing")
        elif batch_id in failed:
            yield BatchResult(batch_id, "failed", failure=failures.get(batch_id))
        else:
            yield BatchResult(batch_id, "succeeded", result)


def batch_results(manifest: Mapping[str, Any], fetch: Fetch) -> Iterator[BatchResult]:
    """Every batch of a manifest in order, those without a result too."""
    following = 0
    for group in manifest_groups(manifest, fetch):
        for batch_id in range(following, group["first"]):
            yield BatchResult(batch_id, "missing")
        yield from group_results(group, fetch)
        following = group["first"] + group["count"]
    for batch_id in range(following, manifest["batchCount"]):
        yield BatchResult(batch_id, "missing")


def manifest_groups(manifest: Mapping[str, Any], fetch: Fetch) -> Iterator[dict[str, Any]]:
    """The committed groups of a manifest in order; one piece in memory at a time."""
    yield from manifest.get("groups") or ()
    for piece in manifest.get("pieces") or ():
        yield from _documents(fetch(piece))


def tree_results(lines: bytes, fetch: Fetch) -> Iterator[BatchResult]:
    """What the combiner is given in combine mode TREE, from the object that ``results.entries`` points to."""
    for entry in _documents(lines):
        batch_id = entry["batches"]["start"]
        if "failure" in entry:
            yield BatchResult(batch_id, "failed", failure=Failure.of(entry["failure"]))
        elif "ref" in entry:
            yield BatchResult(batch_id, "succeeded", json.loads(fetch(entry["ref"]["key"])))
        else:
            yield BatchResult(batch_id, "succeeded", entry["result"])


def _documents(text: bytes) -> Iterator[dict[str, Any]]:
    """The documents of JSON Lines."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        if end > start:
            yield json.loads(text[start:end])
        start = end + 1


def group_results(group: Mapping[str, Any], fetch: Fetch) -> Iterator[BatchResult]:
    """The batches of one group, from its line of the manifest or its row; a large result is fetched when its turn comes."""
    document = group.get("data")
    if document is None:
        document = json.loads(fetch(group["object"]))
    failures = {failure["batchId"]: Failure.of(failure) for failure in group["failed"]}
    ids = document.get("ids")
    for index, entry in enumerate(document["entries"]):
        batch_id = group["first"] + index
        task_id = ids[index] if ids else None
        if entry is None:
            yield BatchResult(batch_id, "failed", failure=failures.get(batch_id), task_id=task_id)
        elif "ref" in entry:
            yield BatchResult(batch_id, "succeeded", json.loads(fetch(entry["ref"]["key"])), task_id=task_id)
        else:
            yield BatchResult(batch_id, "succeeded", entry["result"], task_id=task_id)
