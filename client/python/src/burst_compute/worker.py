"""Workers from plain functions."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, Union, overload

Handler = Callable[[Mapping[str, Any], Any], Any]
"""What Lambda calls: ``handler(event, context)``."""

Unit = Literal["item", "batch"]
Errors = Literal["report", "fail"]
Functions = Union[Mapping[str, Callable[..., Any]], Iterable[Union[Callable[..., Any], str]]]

_MESSAGE_CHARS = 1_000
_TRACEBACK_CHARS = 4_000
_TRACEBACKS = 20
"""Errors of a batch that carry their traceback: many would make its result larger than the 6 MB that Lambda takes."""


@dataclass(frozen=True)
class Batch:
    """What a function may know about the call that it is part of; it asks for it with a parameter named ``batch``."""

    job_id: str
    batch_id: int
    attempt: int
    """Calls that were made for this batch so far, this one included, by one dispatcher."""
    parameters: Any
    """The request's ``parameters``; ``None`` when it has none."""
    deadline: datetime
    """When the job times out."""
    items: Sequence[Any]
    """All items of the batch: a ``range`` for a range; for a task its ``params`` alone."""
    task_id: str | None = None
    """Id of the task, in a job of tasks."""
    context: Any = field(default=None, repr=False, compare=False)
    """Lambda's own context object."""

    def remaining_seconds(self) -> float:
        """Time left until this call, or the job as a whole, is out of time, whichever comes first."""
        left = self.deadline.timestamp() - time.time()
        remaining = getattr(self.context, "get_remaining_time_in_millis", None)
        return left if remaining is None else min(left, remaining() / 1000)


class FunctionNotListed(Exception):
    """A call names a function that the worker does not list."""


@overload
def burst_worker(function: Callable[..., Any], /) -> Handler: ...


@overload
def burst_worker(
    *, functions: Functions, errors: Errors = "report",
) -> Handler: ...


@overload
def burst_worker(*, unit: Unit | None = None, errors: Errors = "report") -> Callable[[Callable[..., Any]], Handler]: ...


def burst_worker(
    function: Callable[..., Any] | None = None,
    /,
    *,
    functions: Functions | None = None,
    unit: Unit | None = None,
    errors: Errors = "report",
) -> Any:
    """Makes the Lambda handler of a worker from a function, or from several that are called by name.

    A function whose first parameter is named ``items`` gets all items of a batch (a ``list``, or a ``range``); what it returns is
    the batch's result, what it raises fails the batch. Any other function gets one item after the other, and the
    batch's result is::

        {"results": [...], "errors": [{"index": 3, "errorType": "ValueError", "message": "...", "traceback": "..."}]}

    with ``None`` in ``results`` where an item failed; :meth:`BatchResult.items` reads it. In a job of tasks the item is the
    task's ``params``, its result is what the function returns, and what it raises fails the task.

    Further parameters are given by name: ``parameters``, those of the request, and ``batch``, a :class:`Batch`.

    Args:
        function: the function; the decorated name becomes the handler, ``handler.__wrapped__`` is the function.
        functions: the functions that may be called by name, and no others: as a mapping from names, or functions (or strings such as
            ``"package.module:function"``) whose names are ``module:qualified.name``. An item is then a call,
            ``{"function": name, "args": [...], "kwargs": {...}}``, as :class:`BurstExecutor` sends it; of tasks, ``function``
            is the name, and ``params`` the only argument.
        unit: ``"item"`` or ``"batch"``, where the parameter's name does not tell.
        errors: ``"report"`` keeps what an item raised in the result, and the other items count; no item is tried again.
            ``"fail"`` lets the first error fail the batch, which is then called again as often as the construct's ``workerRetries`` says.

    Raises:
        TypeError: the function cannot be a worker's.

    Example::

        @burst_worker
        def handler(item, parameters):
            return item ** parameters["power"]
    """
    if errors not in ("report", "fail"):
        raise ValueError(f"errors: got {errors!r}, allowed: 'report', 'fail'")
    if unit not in (None, "item", "batch"):
        raise ValueError(f"unit: got {unit!r}, allowed: 'item', 'batch'")
    if functions is not None:
        if function is not None or unit is not None:
            raise TypeError("functions: their items are calls: give no function and no unit beside it")
        return _listed_worker(listed_functions(functions), errors)
    if function is None:
        return functools.partial(_worker, unit=unit, errors=errors)
    return _worker(function, unit=unit, errors=errors)


def function_name(function: Callable[..., Any] | str) -> str:
    """The name that a listed function has: ``module:qualified.name``; a string is one already.

    Raises:
        TypeError: it cannot be imported by a name (a lambda, a function in a function, a partial).
    """
    if isinstance(function, str):
        return function
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not name or "<" in name:
        raise TypeError(f"{function!r} cannot be called by name: give a function at the top level of a module, or the name it is listed with")
    return f"{module}:{name}"


def listed_functions(functions: Functions) -> dict[str, Callable[..., Any]]:
    """By name; strings are imported now, once, because the deployer wrote them."""
    if isinstance(functions, Mapping):
        return dict(functions)
    listed: dict[str, Callable[..., Any]] = {}
    for entry in functions:
        function = _imported(entry) if isinstance(entry, str) else entry
        listed[function_name(entry)] = function
        # who has the function itself calls it by the module that defines it, which may be another: operator.mul is _operator:mul
        if isinstance(entry, str) and getattr(function, "__qualname__", "<") == entry.rpartition(":")[2]:
            listed.setdefault(function_name(function), function)
    return listed


def _imported(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    if not path:
        raise TypeError(f"functions: got {name!r}, allowed: a function, or 'module:function'")
    found = functools.reduce(getattr, path.split("."), importlib.import_module(module))
    if not callable(found):
        raise TypeError(f"functions: {name!r} is {type(found).__name__}, not a function")
    return found


def _worker(function: Callable[..., Any], *, unit: Unit | None, errors: Errors) -> Handler:
    first, wanted = _parameters_of(function)
    if unit is None:
        unit = "batch" if first == "items" else "item"

    @functools.wraps(function)
    def handler(event: Mapping[str, Any], context: Any = None) -> Any:
        batch = _batch_of(event, context)
        extra = {name: batch if name == "batch" else batch.parameters for name in wanted}
        if "task" in event:
            return function(batch.items if unit == "batch" else batch.items[0], **extra)
        if unit == "batch":
            return function(batch.items, **extra)
        return _run_items(batch.items, lambda item: function(item, **extra), errors)

    return handler


def _listed_worker(listed: dict[str, Callable[..., Any]], errors: Errors) -> Handler:
    wants = {name: _wanted_by_name(function) for name, function in listed.items()}

    def look_up(name: Any) -> Callable[..., Any]:
        if not isinstance(name, str) or name not in listed:
            raise FunctionNotListed(f"function: got {name!r}, allowed: {', '.join(sorted(listed)) or 'none'}: list it in burst_worker(functions=...)")
        return listed[name]

    def handler(event: Mapping[str, Any], context: Any = None) -> Any:
        batch = _batch_of(event, context)
        known = {"batch": batch, "parameters": batch.parameters}

        def call(item: Any) -> Any:
            if not isinstance(item, Mapping) or "function" not in item:
                raise TypeError('the functions of this worker are called by name: an item is {"function": name, "args": [...], "kwargs": {...}}')
            function, kwargs = look_up(item["function"]), dict(item.get("kwargs") or {})
            extra = {name: known[name] for name in wants[item["function"]] if name not in kwargs}
            return function(*(item.get("args") or ()), **kwargs, **extra)

        if "task" in event:
            return call({"function": event["task"].get("function"), "args": [batch.items[0]]})
        return _run_items(batch.items, call, errors)

    return handler


def _batch_of(event: Mapping[str, Any], context: Any) -> Batch:
    if "range" in event:
        items: Sequence[Any] = range(event["range"]["start"], event["range"]["end"])
    elif "items" in event:
        items = event["items"]
    elif "task" in event:
        items = [event["task"].get("params")]
    else:
        raise ValueError(
            f"not the event of a worker: it has the fields {', '.join(sorted(map(str, event))) or '(none)'}, needed is one of range, items, task"
        )
    return Batch(
        job_id=event["jobId"],
        batch_id=event["batchId"],
        attempt=event["invocationAttempt"],
        parameters=event.get("parameters"),
        deadline=datetime.fromtimestamp(event["deadlineMs"] / 1000, timezone.utc),
        items=items,
        task_id=event["task"].get("id") if "task" in event else None,
        context=context,
    )


def _parameters_of(function: Callable[..., Any]) -> tuple[str, list[str]]:
    """The name of the first parameter, and which of ours it asks for."""
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is async: give a plain function, which may call asyncio.run")
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    if not positional:
        raise TypeError(f"{function!r} takes no argument: its first one is the item, or the items")
    rest = [p for p in parameters if p is not positional[0] and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    wanted = [p.name for p in rest if p.name in ("batch", "parameters") and p.kind != p.POSITIONAL_ONLY]
    unknown = [p.name for p in rest if p.name not in wanted and p.default is p.empty]
    if unknown:
        raise TypeError(f"{function!r} asks for {', '.join(unknown)}: beside the item it may ask for parameters, and for batch")
    return positional[0].name, wanted


def _wanted_by_name(function: Callable[..., Any]) -> list[str]:
    """Listed functions get ``batch`` and ``parameters`` only as keyword-only parameters: theirs may be called so."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have none
        return []
    return [p.name for p in parameters if p.kind == p.KEYWORD_ONLY and p.name in ("batch", "parameters")]


def _run_items(items: Sequence[Any], call: Callable[[Any], Any], errors: Errors) -> dict[str, Any]:
    results: list[Any] = []
    reported: dict[int, dict[str, Any]] = {}
    for index, item in enumerate(items):
        try:
            results.append(call(item))
        except Exception as error:
            if errors == "fail":
                raise
            results.append(None)
            reported[index] = _report(index, error, len(reported) < _TRACEBACKS)
    if not _is_json(results):
        for index, result in enumerate(results):
            try:
                json.dumps(result, allow_nan=False)
            except (TypeError, ValueError, RecursionError) as error:
                problem = TypeError(f"the result is not JSON: {error}")
                if errors == "fail":
                    raise problem from error
                results[index] = None
                reported[index] = _report(index, problem, False)
    return {"results": results, "errors": [reported[index] for index in sorted(reported)]}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _report(index: int, error: Exception, with_traceback: bool) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    report: dict[str, Any] = {"index": index, "errorType": name, "message": _text(error)[:_MESSAGE_CHARS]}
    if with_traceback:
        frames = traceback.extract_tb(error.__traceback__)
        # not through our own frames
        own = [frame for frame in frames if frame.filename != __file__]
        report["traceback"] = "".join(traceback.format_list(own))[-_TRACEBACK_CHARS:]
    return report


def _text(error: Exception) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"(its message cannot be made: {type(broken).__name__})"
