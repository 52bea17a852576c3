"""Finished groups of a job, each once, while it runs and after."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._address import Address
from ._connection import Connection
from .results import manifest_groups

TERMINAL = frozenset(("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"))
_PAGE = 100
_GROUP = 64
# of a Distributed Map's batches, that many from the first that is not there are asked for at each look
_MAP_LOOK = 1000
# everything but the results, which the failures need not
_WITHOUT_RESULTS = ("unit", "group", "first", "count", "failed", "bytes")


def status_of(row: Mapping[str, Any]) -> str:
    """The status that counts: a job that was redriven has left its last end behind."""
    terminal = row.get("terminal") or {}
    return str(terminal["status"] if terminal.get("epoch") == row["epoch"] else row["status"])


def leaf_key(job_id: str, epoch: int, leaf: int) -> str:
    return f"j#{job_id}#e{epoch}#l{leaf}"


def manifest_object(job_id: str, epoch: int) -> str:
    return f"jobs/{job_id}/e{epoch}/manifest.json"


class Pace:
    """The pause between two looks: a twentieth of the time waited, from 0.5 s to 5 s, or as was said."""

    def __init__(self, poll_seconds: float | None, sleep: Callable[[float], Any] = time.sleep) -> None:
        self._poll_seconds = poll_seconds
        self._sleep = sleep
        self._started = time.monotonic()

    def pause(self, at_most: float | None = None) -> None:
        """Until the next look."""
        pause = self._poll_seconds if self._poll_seconds is not None else min(5.0, max(0.5, (time.monotonic() - self._started) / 20))
        self._sleep(pause if at_most is None else max(0.0, min(pause, at_most)))


@dataclass
class _Leaf:
    start: int
    end: int
    next: int
    """First unit that was not taken."""
    known: int
    """Below it units may be committed."""
    taken: set[int] = field(default_factory=set)
    """Those beyond ``next`` that were."""
    has_gap: bool = False
    """Whether ``next`` was not there at the last look."""


class Follower:
    """Follows one epoch of a job.

    A committed group never changes, and the manifest of the end has it as it was, so that what came early agrees with what comes last.
    """

    def __init__(self, connection: Connection, address: Address, job: Mapping[str, Any], with_results: bool = True) -> None:
        self._connection, self._address, self._job = connection, address, job
        self._with_results = with_results
        plan = job["plan"]
        leaves, groups = plan["leaves"], plan["groups"]
        bounds = [leaf * groups // leaves for leaf in range(leaves + 1)] if leaves else [0]
        if plan.get("map"):  # no leaves: one stands for all
            bounds = [0, groups]
        self._leaves = [_Leaf(start, end, start, start) for start, end in zip(bounds, bounds[1:])]
        self._turn = 0

    def fetch(self, key: str) -> bytes:
        """An object of the payload bucket."""
        return self._connection.read(self._address.payload_bucket, key)

    def groups(self, order: str, follow: bool, pace: Pace) -> Iterator[dict[str, Any]]:
        """Finished groups, and ``{"missing": (start, end)}`` for batches that the job ended without."""
        job_id, epoch = self._job["jobId"], self._job["epoch"]
        seen: set[int] = set()
        for group in self._running(order, follow, pace):
            seen.add(group["group"])
            yield group
        row = self._connection.row(self._address.tasks_table, f"j#{job_id}")
        if row is not None and not self._has_ended(row):
            return  # asked not to follow
        manifest = json.loads(self.fetch(manifest_object(job_id, epoch)))
        following = 0
        for group in manifest_groups(manifest, self.fetch):
            yield from self._missing(following, group["first"], seen)
            following = group["first"] + group["count"]
            if group["group"] not in seen:
                yield group
        yield from self._missing(following, manifest["batchCount"], seen)

    def _missing(self, start: int, end: int, seen: set[int]) -> Iterator[dict[str, Any]]:
        # a group committed after the manifest of a job that ended early is not in it, but was given already
        size = self._group_size()
        for group in range(start // size, -(-end // size)):
            if group in seen:
                if start < group * size:
                    yield {"missing": (start, group * size)}
                start = min(end, (group + 1) * size)
        if start < end:
            yield {"missing": (start, end)}

    def _group_size(self) -> int:
        return 1 if self._job["plan"].get("map") else 64

    def _has_ended(self, row: Mapping[str, Any]) -> bool:
        return bool(row["epoch"] != self._job["epoch"]) or status_of(row) in TERMINAL

    def _running(self, order: str, follow: bool, pace: Pace) -> Iterator[dict[str, Any]]:
        """What a redrive took over, and what is committed while the job runs: one read of the job and one of up to 100 leaves per look."""
        adopted = self._adopted()
        old = next(adopted, None)
        following = 0
        row: Mapping[str, Any] | None = self._job
        while row is not None and not self._has_ended(row):
            new: Iterator[dict[str, Any] | None] = self._in_order() if order == "batch" else self._fresh(not follow)
            group: dict[str, Any] | None = None
            while True:
                while old is not None and (order != "batch" or old["group"] == following):
                    following += 1
                    yield old
                    old = next(adopted, None)
                group = next(new, None)
                if group is None:
                    break
                following += 1
                yield group
            if not follow:
                return
            pace.pause()
            row = self._connection.row(self._address.tasks_table, f"j#{self._job['jobId']}")

    def _adopted(self) -> Iterator[dict[str, Any]]:
        """The groups that a redrive did not run again."""
        redo = self._job["plan"].get("redo")
        if redo and status_of(self._job) not in TERMINAL:
            last = json.loads(self.fetch(manifest_object(self._job["jobId"], redo["lastEpoch"])))
            size = self._group_size()
            for group in manifest_groups(last, self.fetch):
                whole = min(size, last["batchCount"] - group["group"] * size)
                if group["count"] == whole and not group["failed"]:
                    yield group

    def _in_order(self) -> Iterator[dict[str, Any]]:
        """What follows on what was taken, without a gap."""
        while leaves := self._unfinished()[:_PAGE]:
            self._look(leaves)
            for leaf in leaves:
                yield from self._take(self._leaves[leaf], in_order=True)
                if self._leaves[leaf].next < self._leaves[leaf].end:
                    return

    def _fresh(self, everything: bool) -> Iterator[dict[str, Any]]:
        """What is new: of up to 100 leaves in turn, or of all."""
        unfinished = self._unfinished()
        for _ in range(0, len(unfinished) if everything else min(_PAGE, len(unfinished)), _PAGE):
            self._turn = 0 if len(unfinished) <= _PAGE else self._turn % len(unfinished)
            leaves = [*unfinished[self._turn :], *unfinished[: self._turn]][:_PAGE]
            self._turn += _PAGE
            self._look(leaves)
            for leaf in leaves:
                yield from self._take(self._leaves[leaf], in_order=False)

    def _unfinished(self) -> list[int]:
        return [number for number, leaf in enumerate(self._leaves) if leaf.next < leaf.end]

    def _look(self, leaves: Sequence[int]) -> None:
        """Below a leaf's cursor everything is committed, but it moves in steps of up to 64 groups; its counts tell how many there may be."""
        if self._job["plan"].get("map"):  # nobody tells how far its children are, but they start in order
            for number in leaves:
                self._leaves[number].known = min(self._leaves[number].end, self._leaves[number].next + _MAP_LOOK)
            return
        keys = [leaf_key(self._job["jobId"], self._job["epoch"], leaf) for leaf in leaves]
        for row in self._connection.rows(self._address.tasks_table, keys, ("pk", "cursor", "counts")):
            leaf = self._leaves[int(row["pk"].rpartition("#l")[2])]
            finished = (row.get("counts") or {}).get("finished", 0)
            # groups are finished nearly in order: one that is not yet is looked beyond
            may_be = leaf.start + finished // _GROUP + 2 if finished else leaf.start
            leaf.known = min(leaf.end, max(leaf.known, row.get("cursor", 0), may_be))

    def _take(self, leaf: _Leaf, in_order: bool) -> Iterator[dict[str, Any]]:
        at = leaf.next
        while at < leaf.known:
            # in order, nothing beyond a gap is wanted: look first whether it has closed
            page = 1 if in_order and leaf.has_gap else _PAGE
            units = [unit for unit in range(at, min(at + page, leaf.known)) if unit not in leaf.taken]
            at += page
            keys = [f"j#{self._job['jobId']}#e{self._job['epoch']}#g{unit}" for unit in units]
            rows = self._connection.rows(self._address.results_table, keys, () if self._with_results else _WITHOUT_RESULTS)
            # read as they are, eventually consistent: what is not there yet comes with a later look
            by_unit = {row["unit"]: row for row in rows}
            for unit in units:
                row = by_unit.get(unit)
                leaf.has_gap = row is None
                if row is None:
                    if in_order:
                        return
                    continue
                leaf.taken.add(unit)
                while leaf.next in leaf.taken:
                    leaf.taken.remove(leaf.next)
                    leaf.next += 1
                yield {**row, "data": json.loads(row["data"])} if row.get("data") is not None else row
