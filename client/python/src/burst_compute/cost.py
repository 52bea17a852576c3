"""What a job used, and what that costs by the price sheet of this version."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

USAGE = (
    "workerInvocations", "workerMs", "combinerInvocations", "combinerMs", "dispatcherInvocations", "dispatcherMs", "monitorInvocations", "monitorMs",
    "tableReadUnits", "tableWriteUnits", "objectGets", "objectPuts", "stateTransitions", "expressRequests", "expressMs", "logBytes",
)
PLATFORM_LOG_BYTES = 450
INNER_DISPATCH_MS = 150


@dataclass(frozen=True)
class CostLine:
    """One line of a bill."""

    what: str
    """Who or what it is paid for: worker, combiner, dispatcher, monitor, tables, bucket, state machine, logs."""
    quantity: float
    unit: str
    dollars: float | None
    """``None``: it has a price, but the memory of the function is unknown."""


@dataclass(frozen=True)
class Cost:
    """Calculated from list prices, without free tiers and discounts."""

    lines: tuple[CostLine, ...]
    region: str
    """Of the price sheet."""
    date: str
    """Of the price sheet."""

    @property
    def dollars(self) -> float:
        """Sum of the lines that have one."""
        return sum(line.dollars or 0 for line in self.lines)

    @property
    def overhead_dollars(self) -> float:
        """Without worker and combiner, whose work has to be paid for anyhow."""
        return sum(line.dollars or 0 for line in self.lines if line.what not in ("worker", "combiner"))


@functools.cache
def shared(name: str) -> Any:
    """A file that the build puts beside this one."""
    return json.loads((files(__package__) / name).read_text())


def cost_of(stored: Mapping[str, float], functions: Mapping[str, Any]) -> Cost:
    """What a usage costs. ``functions``: memory and architecture of worker and combiner, as far as they are known."""
    sheet = shared("prices.json")
    usage = {name: stored.get(name, 0) for name in USAGE}
    own = {"memoryMegabytes": 1024, "architecture": "arm64"}

    def line(what: str, price: str, quantity: float) -> CostLine:
        entry = sheet["prices"][price]
        return CostLine(what, quantity, entry["unit"], quantity * entry["dollars"] / entry["per"])

    def function(what: str, size: Mapping[str, Any] | None) -> list[CostLine]:
        calls, ms = usage[f"{what}Invocations"], usage[f"{what}Ms"]
        if not calls:
            return []
        if size is None:
            return [line(what, "lambdaRequest", calls), CostLine(what, ms, "ms", None)]
        price = "lambdaGbSecondArm" if size["architecture"] == "arm64" else "lambdaGbSecondX86"
        return [line(what, "lambdaRequest", calls), line(what, price, ms / 1000 * (size["memoryMegabytes"] / 1024))]

    def logs(what: str, size: float) -> list[CostLine]:
        return [line(what, "logGigabyte", size / 1024**3)] if size > 0 else []

    # what Lambda logs of each call; the rest of the log lines are ours
    theirs = {what: PLATFORM_LOG_BYTES * usage[f"{what}Invocations"] for what in ("worker", "combiner")}
    # Express children of a Distributed Map, billed for 64 MB at least
    express = [
        line("state machine", "expressRequest", usage["expressRequests"]),
        line("state machine", "expressGbSecond", usage["expressMs"] / 1000 / 16),
    ] if usage["expressRequests"] else []
    lines = [
        *function("worker", functions.get("worker")), *logs("worker", theirs["worker"]),
        *function("combiner", functions.get("combiner")), *logs("combiner", theirs["combiner"]),
        *function("dispatcher", own), *function("monitor", own),
        line("tables", "tableWriteUnit", usage["tableWriteUnits"]), line("tables", "tableReadUnit", usage["tableReadUnits"]),
        line("bucket", "objectPut", usage["objectPuts"]), line("bucket", "objectGet", usage["objectGets"]),
        line("state machine", "stateTransition", usage["stateTransitions"]), *express, *logs("logs", usage["logBytes"] - sum(theirs.values())),
    ]
    return Cost(tuple(lines), sheet["region"], sheet["date"])


def usage_of(row: Mapping[str, Any], is_over: bool, leaves: Iterable[Mapping[str, Any]] = (), scale: float = 1) -> dict[str, float]:
    """What a job used, by its row and, while it runs, those of its leaves, of which each stands for ``scale``."""
    usage = {name: (row.get("usage") or {}).get(name, 0) for name in USAGE}
    if is_over or not row.get("plan"):
        return usage
    for leaf in leaves:
        for name, value in (leaf.get("usage") or {}).items():
            usage[name] = usage.get(name, 0) + round(value * scale)
    if row.get("dispatchedAt") is not None and row["plan"]["groups"]:
        inner = inner_dispatchers(row["plan"]["leaves"], row["plan"]["branching"])
        usage["dispatcherInvocations"] += inner
        usage["dispatcherMs"] += inner * INNER_DISPATCH_MS
        usage["logBytes"] += inner * PLATFORM_LOG_BYTES
    return usage


def inner_dispatchers(leaves: int, branching: int) -> int:
    """How many dispatchers only start others. The first ones are started by the monitor."""
    parts = min(branching, leaves)
    shares = [(i + 1) * leaves // parts - i * leaves // parts for i in range(parts)]
    return sum(1 + inner_dispatchers(share, branching) for share in shares if share > 1)
