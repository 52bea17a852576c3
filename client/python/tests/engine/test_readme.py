"""The README's examples, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text(), re.DOTALL)
EVENT = {"jobId": "job", "batchId": 0, "invocationAttempt": 1, "deadlineMs": 0}


def run(marker: str, *replacements: tuple[str, str]) -> dict[str, Any]:
    [block] = [block for block in BLOCKS if marker in block]
    for old, new in replacements:
        assert old in block
        block = block.replace(old, new)
    names: dict[str, Any] = {}
    exec(block, names)
    return names


def test_every_example_is_run() -> None:
    assert len(BLOCKS) == 7  # the one of a Lambda function is deployed: test_function.py


def test_workers_and_combiner() -> None:
    power = run("@burst_worker")["handler"]({**EVENT, "range": {"start": 0, "end": 4}, "parameters": {"power": 3}}, None)
    assert power["results"] == [0, 1, 8, 27]
    listed = run("functions=[price, risk]")["handler"]
    assert listed({**EVENT, "items": [{"function": "pricing:price", "args": [100], "kwargs": {"years": 0}}]}, None)["results"] == [100]
    combined = run("read_results")["handler"]({"results": {"inline": [1, 2, None], "failed": [2], "missing": []}}, None)
    assert combined == 3


def test_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    run("Assumptions")
    assert re.fullmatch(r"\d+ s, \$0\.\d\d, of which \$0\.\d\d beside the workers; prices of [\d-]+\n", capsys.readouterr().out)


def test_client(capsys: pytest.CaptureFixture[str]) -> None:
    run('stack="Powers"', ('stack="Powers"', 'stack="Python", construct="Items"'))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 101 and lines[-1].startswith("SUCCEEDED {'total': ")


def test_executor(capsys: pytest.CaptureFixture[str]) -> None:
    run('stack="Pricing"', ('stack="Pricing"', 'stack="Python", construct="Calls"'))
    from pricing import price  # type: ignore[import-not-found]

    assert capsys.readouterr().out == f"{[price(100.0), price(120.0), price(90.0)]} {price(100.0, years=3)}\n"
