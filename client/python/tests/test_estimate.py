"""The estimate, held against the one of the TypeScript side."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from burst_compute import Assumptions, InvalidRequestError, estimate
from burst_compute._estimate import evaluate

CASES: list[Any] = json.load(open(os.environ["BURST_TEST_SAMPLES"]))["estimates"] if "BURST_TEST_SAMPLES" in os.environ else []


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


@pytest.mark.skipif(not CASES, reason="run by npx projen python:test")
def test_both_sides_say_the_same() -> None:
    for case in CASES:
        options = {snake(name): value for name, value in case["options"].items()}
        assumptions = Assumptions(**{snake(name): value for name, value in case["assumed"].items()})
        found, expected = estimate(case["request"], **options, assumptions=assumptions), case["expected"]
        what = {key: value for key, value in case.items() if key != "expected"}
        assert (found.batches, found.leaves, found.window) == (expected["batches"], expected["leaves"], expected["window"]), what
        assert found.usage == pytest.approx(expected["usage"]), what
        assert (found.seconds, found.cost.dollars, found.cost.overhead_dollars) == pytest.approx(
            (expected["seconds"], expected["dollars"], expected["overheadDollars"])
        ), what


@pytest.mark.parametrize(
    "text, value", [("a == 2 ? 1 : 0", 1), ("b < 2 ? a : a > 1 ? 7 : 8", 7), ("a - 1 - 1", 0), ("8 / a / 2 + 2 * b", 8), ("min(max(a, b), ceil(2.5))", 3)]
)
def test_formulas_are_read_as_javascript_reads_them(text: str, value: float) -> None:
    assert evaluate(text, {"a": 2, "b": 3}) == value


def test_what_cannot_be_estimated_says_why() -> None:
    with pytest.raises(InvalidRequestError, match="say how many there are with items="):
        estimate({"items": {"s3Prefix": {"uri": "s3://bucket/"}}})
    with pytest.raises(InvalidRequestError, match="only new jobs can be estimated"):
        estimate({"redrive": {"jobId": "a"}})
    with pytest.raises(InvalidRequestError, match=r"items\.range\.end: got nothing, allowed: an integer"):
        estimate({"items": {"range": {"start": 1}}})
