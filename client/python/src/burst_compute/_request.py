"""The rules of a request that need no AWS, as the first state of a job has them: a job's name is not used up for what it would refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ._json import to_json
from .errors import InvalidRequestError

_MAX_BATCHES = 10_000_000
_MAX_SAFE = 2**53 - 1
_MAX_ISSUES = 10
_MAX_ID_CHARS = 256
_MAX_KEY_BYTES = 1024
_KINDS = ("range", "list", "s3", "s3Prefix")
_FORMATS = ("jsonl", "csv", "json")
_BY_EXTENSION = {"jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv", "json": "json"}
_COMPRESSED = ("gz", "gzip", "zip", "bz2", "zst", "xz")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_URI = re.compile(r"s3://([^/]*)(?:/(.*))?", re.DOTALL)
# added to the input by Step Functions when a state machine starts another one
_ADDED = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"

_Check = Callable[[Any, tuple[str, ...]], list[tuple[str, str]]]
"""What is wrong with a value at a path: the field, and the words."""
_NOTHING: Any = object()


def check_request(request: Any) -> None:
    """Raises InvalidRequestError that names each wrong field, its value and what is allowed; props of the construct may allow less."""
    if isinstance(request, Mapping) and "redrive" in request:
        wanted = request["redrive"]
        if not ({*request} <= {"redrive", _ADDED} and isinstance(wanted, Mapping) and [*wanted] == ["jobId"] and isinstance(wanted["jobId"], str)):
            raise _refused([("redrive", f'got {_show(request)}, allowed: {{"redrive":{{"jobId":"<name of the job>"}}}} and nothing else')])
        return
    _raise(_REQUEST(request, ()))
    items, tasks, size = request.get("items", _NOTHING), request.get("tasks", _NOTHING), request.get("batchSize", _NOTHING)
    if (items is _NOTHING) == (tasks is _NOTHING):
        allowed = f'an object with one of {", ".join(_KINDS)}, or "tasks" in its place' if tasks is _NOTHING else 'nothing beside "tasks"'
        raise _refused(_wrong(("items",), items, allowed))
    if tasks is not _NOTHING:
        if size is not _NOTHING:
            raise _refused(_wrong(("batchSize",), size, 'nothing beside "tasks": each of them is a batch'))
        _check_tasks(tasks)
        return
    count = items["range"]["end"] - items["range"]["start"] if "range" in items else len(items.get("list", ()))
    size = 1 if size is _NOTHING else size
    if count > size * _MAX_BATCHES:
        least = -(-int(count) // _MAX_BATCHES)
        raise _refused(_wrong(("batchSize",), size, f"at least {least} for {int(count)} items: a job may have at most {_MAX_BATCHES} batches"))
    _check_items(items)


def _check_items(items: Mapping[str, Any]) -> None:
    if len(items) != 1:
        raise _refused(_wrong(("items",), [kind for kind in _KINDS if kind in items], f"exactly one of {', '.join(_KINDS)}"))
    if "s3Prefix" in items:
        _check_uri("items.s3Prefix.uri", items["s3Prefix"]["uri"], True)
    if "s3" in items:
        _check_uri("items.s3.uri", items["s3"]["uri"], False)
        if "format" not in items["s3"]:
            _check_extension(items["s3"]["uri"])


def _check_tasks(tasks: Any) -> None:
    if isinstance(tasks, (list, tuple)):
        _raise([issue for i, task in enumerate(tasks) for issue in _TASK(task, ("tasks", str(i)))])
        return
    _raise(_TASK_OBJECT(tasks, ("tasks",)))
    _check_uri("tasks.s3.uri", tasks["s3"]["uri"], False)


def _check_uri(field: str, uri: str, key_may_be_empty: bool) -> None:
    match = _URI.fullmatch(uri)
    bucket, key = (match[1], match[2] or "") if match else ("", "")
    if _BUCKET.fullmatch(bucket) and (key or key_may_be_empty) and len(key.encode("utf-8", "replace")) <= _MAX_KEY_BYTES:
        return
    form = "s3://bucket or s3://bucket/prefix" if key_may_be_empty else "s3://bucket/key"
    raise _refused([(field, f"got {to_json(uri)[:100]}, allowed: {form}, with a bucket name of 3 to 63 lower-case letters, digits, \"-\", \".\" and a key of "
                            f"at most {_MAX_KEY_BYTES} bytes")])


def _check_extension(uri: str) -> None:
    name = uri.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension in _BY_EXTENSION:
        return
    if extension in _COMPRESSED:
        raise _refused([("items.s3.uri", f"{uri} is compressed; allowed: plain jsonl, csv or json, because every leaf reads only its own range of bytes: "
                                         "decompress it first")])
    raise _refused([("items.s3.format", f"got nothing, and the name {to_json(name)} does not tell it; allowed: {', '.join(_FORMATS)}")])


def _wrong(path: tuple[str, ...], value: Any, allowed: str) -> list[tuple[str, str]]:
    return [(".".join(path) or "request", f"got {_show(value)}, allowed: {allowed}")]


def _where(holds: Callable[[Any], bool], allowed: str) -> _Check:
    return lambda value, path: [] if holds(value) else _wrong(path, value, allowed)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(least: int, most: int, allowed: str) -> _Check:
    return _where(lambda value: _is_number(value) and value == value // 1 and least <= value <= most, allowed)


def _string(allowed: str, least: int = 0, most: float = float("inf")) -> _Check:
    # as JavaScript counts
    return _where(lambda value: isinstance(value, str) and least <= len(value.encode("utf-16-le", "surrogatepass")) // 2 <= most, allowed)


def _anything(value: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    return []


def _object(allowed: str, fields: Mapping[str, _Check], *needed: str, also: _Check = _anything) -> _Check:
    """An object with these fields and no others; `also` is asked where they are right."""

    def check(value: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
        if not isinstance(value, Mapping):
            return _wrong(path, value, allowed)
        issues = [issue for name, field in fields.items() if name in value or name in needed for issue in field(value.get(name, _NOTHING), (*path, name))]
        unknown = [".".join((*path, name)) for name in value if name not in fields]
        if unknown:
            known = ", ".join(name for name in fields if name != _ADDED)
            issues.append((", ".join(unknown), f"unknown field, allowed here: {known}"))
        return issues or also(value, path)

    return check


def _range_order(value: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    if value["end"] < value["start"]:
        return _wrong(path, value, "start <= end (the end is exclusive)")
    return _wrong(path, value, "at most 2^53 - 1 items") if value["end"] - value["start"] > _MAX_SAFE else []


_EDGE = _integer(-_MAX_SAFE, _MAX_SAFE, "an integer of at most 2^53 - 1")
_LIST = _where(lambda value: isinstance(value, (list, tuple)), "a JSON array")
_KEY = _string("s3://bucket/key")
_ID = _string(f"a string of 1 to {_MAX_ID_CHARS} characters", 1, _MAX_ID_CHARS)
_LINES = 'an object such as {"uri":"s3://bucket/key.jsonl"}'
_REQUEST = _object('an object such as {"items":{"range":{"start":0,"end":1000}}}', {
    "items": _object(f"an object with one of {', '.join(_KINDS)}", {
        "range": _object('an object such as {"start":0,"end":1000}', {"start": _EDGE, "end": _EDGE}, "start", "end", also=_range_order),
        "list": _LIST,
        "s3": _object(_LINES, {"uri": _KEY, "format": _where(lambda value: value in _FORMATS, ", ".join(_FORMATS))}, "uri"),
        "s3Prefix": _object('an object such as {"uri":"s3://bucket/prefix/"}', {"uri": _string("s3://bucket/prefix")}, "uri"),
    }),
    "tasks": _anything,
    "batchSize": _integer(1, 10**9, "an integer from 1 to 1000000000"),
    "parameters": _anything,
    "timeoutSeconds": _integer(1, 31_536_000, "an integer from 1 to the timeout of the construct"),
    "maxConcurrency": _integer(1, 1_000_000, "an integer of at least 1"),
    "toleratedFailurePercentage": _where(lambda value: _is_number(value) and 0 <= value <= 100, "a number from 0 to 100"),
    _ADDED: _string("a string"),
})
_TASK = _object(
    'an object such as {"id":"a","function":"name","params":{}}',
    {"id": _ID, "function": _string("the name of one of the construct's taskFunctions"), "params": _anything}, "function",
)
_TASK_OBJECT = _object(
    'a JSON array of tasks such as {"id":"a","function":"name","params":{}}, or {"s3":{"uri":"s3://bucket/key.jsonl"}} with one per line',
    {"s3": _object(_LINES, {"uri": _KEY}, "uri")}, "s3",
)


def _raise(issues: list[tuple[str, str]]) -> None:
    if issues:
        raise _refused(issues)


def _refused(issues: list[tuple[str, str]]) -> InvalidRequestError:
    more = f"; and {len(issues) - _MAX_ISSUES} more" if len(issues) > _MAX_ISSUES else ""
    problems = "; ".join(f"{field}: {words}" for field, words in issues[:_MAX_ISSUES])
    return InvalidRequestError(f"the request is refused: {problems}{more}", issues[0][0].partition(",")[0])


def _show(value: Any) -> str:
    """A value short enough for a message."""
    text = "nothing" if value is _NOTHING else to_json(value)
    return f"{text[:100]}..." if len(text) > 100 else text
