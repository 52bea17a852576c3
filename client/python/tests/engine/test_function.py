"""Lambda functions that start jobs, with what the construct's grants give their roles: the README's, and one that uses the client."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config

from burst_compute import BurstClient


def invoke(name: str, event: Any) -> dict[str, Any]:
    answer = boto3.client("lambda", config=Config(read_timeout=90, retries={"max_attempts": 0})).invoke(FunctionName=name, Payload=json.dumps(event))
    return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read())}


def test_the_executor_in_a_function() -> None:
    assert invoke("caller", {"values": [100.0, 120.0, 90.0]}) == {"error": None, "payload": [105.0, 126.0, 94.5]}


@pytest.mark.parametrize("count", [20, 15_000])
def test_the_client_in_a_function(items: BurstClient, count: int) -> None:
    item = 1 / 3  # of so many the list is uploaded
    answer = invoke("starter", {"request": {"items": {"list": [item] * count}, "batchSize": 1000}})["payload"]
    assert answer["status"] == "SUCCEEDED", answer
    assert (answer["first"]["square"], answer["result"]["failedItems"]) == (item * item, [])
    assert answer["job"].startswith("of-") and items.status(answer["job"]).finished == -(-count // 1000)


def test_what_is_not_granted_is_said() -> None:
    answer = invoke("starter", {"request": {"items": {"range": {"start": 0, "end": 1}}}, "cancel": True})
    assert answer["error"] == "Unhandled" and answer["payload"]["errorMessage"].startswith("not allowed")
    assert "grantCancel" in answer["payload"]["errorMessage"]
