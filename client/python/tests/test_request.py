"""What a request may be, held against the one of the TypeScript side."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from burst_compute import BurstClient, InvalidRequestError
from burst_compute._request import check_request

CASES: list[Any] = json.load(open(os.environ["BURST_TEST_SAMPLES"]))["requests"] if "BURST_TEST_SAMPLES" in os.environ else []

REFUSED = "the request is refused: "


def problems(message: str | None) -> set[str]:
    """In which order several are told, and one twice, does not matter."""
    return {*(message or "").removeprefix(REFUSED).split("; ")}


@pytest.mark.skipif(not CASES, reason="run by npx projen python:test")
def test_both_sides_refuse_the_same_with_the_same_words() -> None:
    for text, refusal in CASES:
        found = None
        try:
            check_request(json.loads(text))
        except InvalidRequestError as error:
            found = str(error)
            assert error.field is not None and found.startswith(f"{REFUSED}{error.field}")
        assert (found is None) == (refusal is None), text
        # that side goes on where one field is wrong already
        assert problems(found) <= problems(refusal), text
    assert 100 < sum(refusal is None for _, refusal in CASES) < len(CASES) - 100


@pytest.mark.parametrize("request_, field", [
    ({"items": {"range": {"start": 5, "end": 1}}}, "items.range"),
    ({"items": {"range": {"start": 0, "end": 1}}, "batchsize": 3}, "batchsize"),
    ({"items": {"list": [1]}, "timeoutSeconds": True}, "timeoutSeconds"),
    ({"tasks": [{"function": "a"}, {"id": "b"}]}, "tasks.1.function"),
    ([], "request"),
])
def test_a_wrong_request_is_refused_before_anything_is_asked(request_: Any, field: str) -> None:
    client = BurstClient("arn:aws:states:us-east-1:123456789012:stateMachine:Job", endpoint="http://127.0.0.1:9")
    with pytest.raises(InvalidRequestError) as caught:
        client.submit(request_)
    assert caught.value.field == field


def test_numbers_may_be_floats_and_lists_tuples() -> None:
    check_request({"items": {"range": {"start": 0.0, "end": 5.0}}, "batchSize": 2.0})
    check_request({"tasks": ({"function": "a"},)})
