"""What a job will use, take and cost if nothing fails: arithmetic, which asks nobody."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .cost import USAGE, Cost, cost_of, inner_dispatchers, shared
from ._request import check_request
from .errors import InvalidRequestError

CombineMode = Literal["COLLECT", "TREE", "NONE"]
ChildType = Literal["STANDARD", "EXPRESS"]

_JOB = "job-20261121000000-000000"
_FOLDER = f"jobs/{_JOB}/e1"
_STARTED_AT = 1_767_225_600_123
# children of a Distributed Map: at a time, and started in a second (Step Functions quotas)
_MAP_CONCURRENCY = 10_000
_CHILD_STARTS = {"STANDARD": 100, "EXPRESS": 1_000}
_TTL = -(-_STARTED_AT // 1000) + 650_000


@dataclass(frozen=True)
class Assumptions:
    """What nobody knows before the job ran. Nothing of this was measured on AWS."""

    batch_seconds: float = 1
    """How long a worker takes for a batch."""
    combiner_seconds: float = 1
    """How long the combiner takes, each time."""
    worker_megabytes: int = 512
    worker_architecture: str = "x86_64"
    combiner_megabytes: int = 512
    combiner_architecture: str = "x86_64"
    result_bytes: int = 100
    """What the worker returns for a batch, as JSON."""
    partial_bytes: int = 100
    """What the combiner returns, each time."""
    account_concurrency: int = 1000
    """Unreserved concurrent executions of the account."""
    worker_functions: int = 1
    """The worker and its replicas."""
    worker_timeout_seconds: int = 60
    start_seconds: float = 2
    """From the start of the execution to the first worker."""
    leaf_seconds: float = 0.3
    """What a dispatcher takes beside its workers."""
    monitor_seconds: float = 0.2
    """What the monitor takes for each of its turns."""
    input_bytes: int = 0
    """Size of an input in S3."""


@dataclass(frozen=True)
class Estimate:
    """What was calculated."""

    batches: int
    leaves: int
    """Dispatchers that supervise workers."""
    window: int
    """Workers of each at a time."""
    seconds: float
    """From the start of the execution to its end."""
    usage: Mapping[str, float]
    cost: Cost
    assumptions: Assumptions


def estimate(
    request: Mapping[str, Any],
    *,
    items: int | None = None,
    combine_mode: CombineMode = "COLLECT",
    child_type: ChildType | None = None,
    batch_size: int = 1,
    max_concurrency: int | None = None,
    branching: int = 64,
    repair_interval_seconds: int = 60,
    assumptions: Assumptions = Assumptions(),
) -> Estimate:
    """What the job of a request will use, take and cost if nothing fails.

    Args:
        request: as for :meth:`BurstClient.submit`.
        items: items or tasks of an input in S3, which only reading it would tell.
        combine_mode: as the construct's prop; so are the next five.
        child_type: of a Distributed Map, where the prop ``fanOut`` is one; default: a tree of dispatchers fans out.
        batch_size: where the request has none.
        max_concurrency: the smaller of this and the request's holds.
        branching: of the dispatchers.
        repair_interval_seconds: of the monitor.
        assumptions: what else nobody knows.

    Raises:
        InvalidRequestError: the request is wrong, or does not say how many items it has.
    """
    if "redrive" in request:
        raise InvalidRequestError("redrive: what it runs again is known to the job alone: only new jobs can be estimated", "redrive")
    check_request(request)
    if child_type is not None and combine_mode == "TREE":
        raise InvalidRequestError("combine_mode: got TREE, allowed with a Distributed Map: COLLECT, NONE; only dispatchers combine as a tree", "combine_mode")
    kind, count = _input_of(request, items)
    is_tasks = "tasks" in request
    mode = "NONE" if is_tasks else combine_mode
    size = 1 if is_tasks else int(request.get("batchSize", batch_size))
    limits = [limit for limit in (request.get("maxConcurrency"), max_concurrency) if limit is not None]
    batches = -(-count // size)
    most = min([_MAP_CONCURRENCY, *limits, assumptions.account_concurrency])
    is_map = child_type is not None
    groups = batches if is_map else -(-batches // 64)
    leaves, window = (0, 0) if is_map else _staff(groups, min(limits) if limits else None, assumptions.account_concurrency)
    leaves = leaves if groups else 0
    has_parameters = "parameters" in request
    plan = {
        "items": count, "batchSize": size, "batches": batches, "groups": groups, "leaves": leaves, "window": window,
        **({"map": {"childType": child_type, "maxConcurrency": most}} if is_map else {}),
        **({"maxConcurrency": min(limits)} if limits else {}), "branching": branching,
        "source": {"kind": "range", "start": 0} if kind == "range" else {"kind": "lines", "key": f"{_FOLDER}/items.jsonl", "indexAt": 100_000},
        **({"parametersKey": f"{_FOLDER}/parameters.json"} if has_parameters else {}), "workerRetries": 2,
        **({"tree": {"combinerTimeoutSeconds": 60}} if combine_mode == "TREE" else {}), "workerTimeoutSeconds": assumptions.worker_timeout_seconds,
        "toleratedFailures": 0, "leaseSeconds": 60, "startedAt": _STARTED_AT, "deadline": _STARTED_AT + 43_200_000, "ttl": _TTL,
    }
    functions = {"worker": {"memoryMegabytes": assumptions.worker_megabytes, "architecture": assumptions.worker_architecture}}
    combiner = {"memoryMegabytes": assumptions.combiner_megabytes, "architecture": assumptions.combiner_architecture}
    values: dict[str, float] = {
        "items": count, "batchSize": size, "batches": batches, "groups": groups, "hasParameters": has_parameters,
        "isRange": kind == "range", "isCsv": kind == "csv", "isListing": kind == "listing",
        # a job of no batches has its combiner called once, whatever its mode
        "collect": mode == "COLLECT" or (mode == "TREE" and not groups), "tree": mode == "TREE" and groups > 0, "tasks": is_tasks,
        "hasResult": mode != "NONE" or is_tasks, "leaseSeconds": max(6, min(60, repair_interval_seconds)),
        "batchSeconds": assumptions.batch_seconds, "combinerSeconds": assumptions.combiner_seconds, "resultBytes": assumptions.result_bytes,
        "partialBytes": assumptions.partial_bytes, "workerFunctions": assumptions.worker_functions, "inputBytes": assumptions.input_bytes,
        "workerTimeoutSeconds": assumptions.worker_timeout_seconds, "startSeconds": assumptions.start_seconds,
        "leafSeconds": assumptions.leaf_seconds, "monitorSeconds": assumptions.monitor_seconds,
        "map": is_map, "isExpress": child_type == "EXPRESS", "mapConcurrency": most if is_map else 0,
        "childStarts": _CHILD_STARTS[child_type] if child_type is not None else 0,
        "leaves": leaves, "window": window, "innerDispatchers": inner_dispatchers(leaves, branching),
        **_leaf_figures(batches, groups, leaves, window), **_join_figures(0 if is_map else groups),
        **_row_sizes(plan, {**functions, **({"combiner": combiner} if mode != "NONE" else {})}, assumptions),
    }
    for name, text in shared("formulas.json"):
        if name == "stateTransitions":
            # the monitor looks as often as the time until the last worker ends allows
            values["rounds"] = _rounds(values["startSeconds"] + values["leafLife"], repair_interval_seconds)
        values[name] = evaluate(text, values)
    usage = {name: values.get(name, 0) for name in USAGE}
    return Estimate(batches, leaves, window, values["seconds"], usage, cost_of(usage, {**functions, "combiner": combiner}), assumptions)


def _input_of(request: Mapping[str, Any], count: int | None) -> tuple[str, int]:
    given, tasks = request.get("items"), request.get("tasks")
    if isinstance(tasks, (list, tuple)):
        return "list", len(tasks)
    if isinstance(given, Mapping) and isinstance(given.get("list"), (list, tuple)):
        return "list", len(given["list"])
    if isinstance(given, Mapping) and isinstance(given.get("range"), Mapping):
        return "range", int(given["range"]["end"]) - int(given["range"]["start"])
    s3 = (given or tasks or {}).get("s3")
    if count is None:
        raise InvalidRequestError("items: the number of items of an input in S3 is not in the request: say how many there are with items=", "items")
    if not s3:
        return "listing", count
    return "csv" if s3.get("format", s3["uri"].rpartition(".")[2].lower()) == "csv" and not tasks else "object", count


def _staff(groups: int, wanted: int | None, account: int) -> tuple[int, int]:
    leaves, window = _staffed(groups, wanted, account, 64)
    # so many leaves would not be started at once
    return _staffed(groups, wanted, account, 128) if leaves > 900 else (leaves, window)


def _staffed(groups: int, wanted: int | None, account: int, widest: int) -> tuple[int, int]:
    def window(leaves: int) -> int:
        return max(1, min(widest, widest if wanted is None else wanted // leaves, (account - 1) // leaves - 1))

    choices = [(1, window(1))]
    for leaves in range(2, max(1, min(groups, (account - 1) // 2, groups if wanted is None else wanted)) + 1):
        if window(leaves) < 32:
            break
        choices.append((leaves, window(leaves)))
    workers = max(leaves * width for leaves, width in choices)
    # of nearly as many workers those that need nearly the fewest waves, then those with the fewest leaves
    good = [(-(-(-(-groups // leaves) * 64) // width), leaves, width) for leaves, width in choices if leaves * width >= (1 - 0.02) * workers]
    fewest = min(waves for waves, _, _ in good)
    return next((leaves, width) for waves, leaves, width in good if (1 - 0.02) * waves <= fewest)


def _leaf_figures(batches: int, groups: int, leaves: int, window: int) -> dict[str, int]:
    turns = nodes = 0
    for leaf in range(leaves):
        start, end = leaf * groups // leaves, (leaf + 1) * groups // leaves
        turns += -(-(min(64 * end, batches) - 64 * start) // window)
        nodes += (end - 1) // 64 - start // 64 + 1
    return {"leafTurns": turns, "leafNodes": nodes}


def _join_figures(groups: int) -> dict[str, int]:
    levels: list[int] = []
    while groups and (not levels or levels[-1] > 1):
        levels.append(-(-(levels[-1] if levels else groups) // 64))
    nodes = sum(levels)
    # a place with one child takes over what that one has
    calls = sum(width - (below % 64 == 1) for width, below in zip(levels, [groups, *levels]))
    is_tree = groups > 1
    return {"joinNodes": nodes, "treeNodes": nodes if is_tree else 0, "treeCalls": calls if is_tree else 0, "treeLevels": len(levels) + 1 if is_tree else 1}


def _rounds(seconds: float, interval: int) -> int:
    looks, age = 0, float(interval)
    while age < seconds:
        looks += 1
        age += max(interval, min(900, math.floor(age / 4 + 0.5)))
    return looks


def _row_sizes(plan: dict[str, Any], functions: dict[str, Any], assumptions: Assumptions) -> dict[str, int]:
    """Sizes of the rows that a job will write, with values of the length that real ones have."""
    batches, groups, batch_ms = plan["batches"], plan["groups"], math.floor(assumptions.batch_seconds * 1000 + 0.5)
    writer = f"l{max(0, plan['leaves'] - 1)}-a1-{'0' * 16}"
    uri = f"s3://stack-burstpayloads0123456789-0123456789ab/{_FOLDER}/manifest.json"
    used = {"monitorInvocations": 1, "monitorMs": 150, "tableReadUnits": 1, "tableWriteUnits": 2, "stateTransitions": 2, "logBytes": 1000}
    by_all = {
        **{name: 2 * value for name, value in used.items()}, "workerInvocations": batches, "workerMs": batches * batch_ms,
        "objectPuts": 2,
    }
    kind = plan.get("map", {}).get("childType")
    if kind is None:
        by_all.update(dispatcherInvocations=plan["leaves"], dispatcherMs=10_000)
    elif kind == "EXPRESS":
        by_all.update(expressRequests=batches, expressMs=100 * batches)
    by_all = {name: value for name, value in by_all.items() if value}
    prepared = {
        "pk": f"j#{_JOB}", "jobId": _JOB, "executionArn": f"arn:aws:states:us-east-1:123456789012:execution:BurstStateMachine0123456789ab:{_JOB}",
        "status": "PENDING", "epoch": 1, "plan": plan, "repairIntervalSeconds": 60, "graceSeconds": 60, "maxRestarts": 5, "startPatienceSeconds": 1800,
        "requestDigest": "0" * 64, "functions": functions, "ttl": plan["ttl"],
    }
    running = {**prepared, "status": "RUNNING", "dispatchedAt": _STARTED_AT, "usage": used}
    waiting = {**running, "taskToken": "x" * 700, "tokenRound": 0, "tokenRetry": 0} if kind is None else running
    done = {**waiting, "rootDone": 1}
    sealed = {**done, "sealed": {"epoch": 1, "outcome": "SUCCEEDED"}, "status": "COMBINING", "combineStartedAt": _STARTED_AT}
    ended = {
        **sealed, "terminal": {"epoch": 1, "status": "SUCCEEDED"}, "status": "SUCCEEDED", "endedAt": _STARTED_AT, "usage": by_all, "failedCount": 0,
        "manifest": uri, **({"result": uri} if "combiner" in functions else {}), "combineEndedAt": _STARTED_AT,
    }

    def group(count: int) -> tuple[int, int, int]:
        number = max(0, groups - 1)
        is_spilled = assumptions.result_bytes > 262_144
        entry = {"ref": {"key": f"{_FOLDER}/batches/{64 * number}/{writer}-i1.json", "bytes": assumptions.result_bytes}} if is_spilled else {"result": 0}
        text = json.dumps({
            "first": 64 * number, "entries": [entry] * count, "started": [max(1000, batch_ms)] * count, "took": [batch_ms] * count, "attempts": [1] * count,
        }, separators=(",", ":"))
        document = len(text) + (0 if is_spilled else count * (assumptions.result_bytes - 1))
        is_small = kind is not None or document <= 8192  # a child has no place but its row
        row = {
            "pk": f"j#{_JOB}#e1#g{number}", "unit": number, "group": number, "first": 64 * number, "count": count, "attempt": 1, "failed": [],
            "bytes": document, "ttl": plan["ttl"], **({"calls": 1, "took": batch_ms} if kind is not None else {}), **({"data": ""} if is_small else {"object": f"{_FOLDER}/groups/{number}/{writer}.json"}),
        }
        return document, _row_bytes(row) + (document if is_small else 0), document + 80 if is_small else 200

    whole = group(1 if kind is not None else min(64, batches))
    last = group(1 if kind is not None else min(64 * groups, batches) - 64 * (groups - 1)) if groups else (0, 0, 0)
    partial = {
        "pk": f"j#{_JOB}#e1#p1#10", "level": 1, "index": 10, "bytes": assumptions.partial_bytes, "failedCount": 0, "firstFailures": [], "ttl": plan["ttl"],
    }
    answer = 4 + assumptions.partial_bytes if assumptions.partial_bytes <= 8192 else 6 + len(f"{_FOLDER}/groups/10/{writer}.json")
    names = ("unitsOfPrepare", "unitsOfAwait", "unitsOfDone", "unitsOfSeal", "unitsOfEnd")
    return {
        "jobRowBytes": _row_bytes(waiting),
        **{name: max(1, -(-_row_bytes(row) // 1024)) for name, row in zip(names, (prepared if kind is None else running, waiting, done, sealed, ended))},
        "documentBytes": whole[0], "groupRowBytes": whole[1], "lineBytes": whole[2], "lastDocumentBytes": last[0], "lastGroupRowBytes": last[1],
        "partialRowBytes": _row_bytes(partial) + answer,
    }


def _row_bytes(row: Mapping[str, Any], overhead: int = 0) -> int:
    """As DynamoDB counts, attribute names included."""
    return sum(len(name) + _value_bytes(value) + overhead for name, value in row.items())


def _value_bytes(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return 3 + sum(1 + _value_bytes(element) for element in value)
    if isinstance(value, Mapping):
        return 3 + _row_bytes(value, 1)
    return int(-(-len(str(abs(value))) // 2) + 1 + (value < 0))


_TOKEN = re.compile(r"\s*(\d+\.?\d*|\w+|==|<=|>=|[-+*/<>?:(),])")
_FUNCTIONS: dict[str, Callable[..., float]] = {"ceil": math.ceil, "floor": math.floor, "min": min, "max": max}
_OPERATORS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"==": lambda a, b: a == b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, ">": lambda a, b: a > b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a / b},
)


def evaluate(text: str, values: Mapping[str, float]) -> float:
    """A formula of the price sheet's side: numbers, names, the four operations, comparisons, ``c ? a : b``, ceil, floor, min and max."""
    tokens: Iterator[str] = iter(_TOKEN.findall(text))
    ahead: list[str] = [next(tokens, "")]

    def take() -> str:
        token = ahead[0]
        ahead[0] = next(tokens, "")
        return token

    def choice() -> float:
        value = binary(0)
        if ahead[0] != "?":
            return value
        take()
        first = choice()
        take()
        second = choice()
        return first if value else second

    def binary(level: int) -> float:
        if level == len(_OPERATORS):
            return single()
        value = binary(level + 1)
        while ahead[0] in _OPERATORS[level]:
            value = _OPERATORS[level][take()](value, binary(level + 1))
        return value

    def single() -> float:
        token = take()
        if token == "(":
            value = choice()
            take()
            return value
        if token in _FUNCTIONS:
            arguments = []
            while take() != ")":
                arguments.append(choice())
                if ahead[0] == ")":
                    take()
                    break
            return _FUNCTIONS[token](*arguments)
        return float(token) if token[0].isdigit() else values[token]

    return choice()
