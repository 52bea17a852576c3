"""JSON as the TypeScript side writes it, so that both know the same request again."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import InvalidRequestError

_SURROGATE = re.compile("[\ud800-\udfff]")
_INDEX = re.compile(r"0|[1-9]\d{0,9}")
_MAX_INDEX = 2**32 - 2
_MAX_EXACT = 2**53
# added to the input by Step Functions when a state machine starts another one
_ADDED = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def to_json(value: Any) -> str:
    """As JavaScript's ``JSON.stringify`` writes it, but integers of any size as they are.

    Raises:
        InvalidRequestError: it is not JSON; says what and where.
    """
    return "".join(_write(value, (), canonical=False))


def digest_of(request: Any) -> str:
    """Tells whether two requests are the same: SHA-256 over the JSON with sorted keys, numbers as JavaScript reads them."""
    return hashlib.sha256("".join(_write(request, (), canonical=True)).encode()).hexdigest()


def _write(value: Any, path: tuple[str | int, ...], canonical: bool) -> Iterator[str]:
    if isinstance(value, str):
        yield _string(value)
    elif value is None:
        yield "null"
    elif value is True or value is False:
        yield "true" if value else "false"
    elif isinstance(value, int):
        yield _double(float(value)) if canonical and abs(value) > _MAX_EXACT else str(int(value))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _invalid(path, f"{value} is no number of JSON")
        yield _double(value)
    elif isinstance(value, Mapping):
        yield "{"
        comma = ""
        for key in _keys(value, path, canonical):
            yield f"{comma}{_string(key)}:"
            yield from _write(value[key], (*path, key), canonical)
            comma = ","
        yield "}"
    elif isinstance(value, (list, tuple)):
        yield "["
        for index, element in enumerate(value):
            if index:
                yield ","
            yield from _write(element, (*path, index), canonical)
        yield "]"
    else:
        raise _invalid(path, f"{type(value).__name__} is not JSON: convert it to numbers, strings, lists and dictionaries")


def _keys(value: Mapping[Any, Any], path: tuple[str | int, ...], canonical: bool) -> list[str]:
    """In JavaScript's order: what looks like an index of an array comes first, by number."""
    for key in value:
        if not isinstance(key, str):
            raise _invalid(path, f"the key {key!r} is {type(key).__name__}, not str")
    indices = sorted((key for key in value if _INDEX.fullmatch(key) and int(key) <= _MAX_INDEX), key=int)
    others = [key for key in value if not (_INDEX.fullmatch(key) and int(key) <= _MAX_INDEX)]
    if canonical:
        others = sorted((key for key in others if key != _ADDED), key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return [*indices, *others]


def _string(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    if _SURROGATE.search(quoted) is None:
        return quoted
    joined = quoted.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", joined)


def _double(value: float) -> str:
    """ECMAScript's Number::toString: Python finds the same digits, but sets the exponent elsewhere."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return f"{sign}{digits}{'0' * (point - count)}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _invalid(path: tuple[str | int, ...], what: str) -> InvalidRequestError:
    field = ".".join(map(str, path)) or "request"
    return InvalidRequestError(f"{field}: {what}", field)
