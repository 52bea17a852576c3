"""Where the deployed jobs are is told by the test that starts the local AWS: ``npx projen python:test``."""

from __future__ import annotations

import json
import os

import pytest

from burst_compute import BurstClient

ADDRESSES: dict[str, str] = json.loads(os.environ["BURST_TEST_ADDRESSES"])


@pytest.fixture(scope="session")
def items() -> BurstClient:
    return BurstClient(address=ADDRESSES["Items"])


@pytest.fixture(scope="session")
def calls() -> BurstClient:
    return BurstClient(address=ADDRESSES["Calls"])
