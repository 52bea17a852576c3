"""JSON as JavaScript writes it."""

from __future__ import annotations

import json
import os

import pytest

from burst_compute import AddressError, BurstClient
from burst_compute._json import digest_of, to_json

# [the JSON text of a value, what JSON.stringify makes of it, digestOf of it], written by the TypeScript side
SAMPLES: list[tuple[str, str, str]] = json.load(open(os.environ["BURST_TEST_SAMPLES"]))["json"] if "BURST_TEST_SAMPLES" in os.environ else []


@pytest.mark.skipif(not SAMPLES, reason="run by npx projen python:test")
def test_texts_and_digests_are_those_of_the_typescript_side() -> None:
    for text, written, digest in SAMPLES:
        value = json.loads(text)
        assert to_json(value) == written, text
        assert digest_of(value) == digest, text


def test_integers_are_written_as_they_are_and_compared_as_javascript_sees_them() -> None:
    assert to_json([2**53 + 1]) == "[9007199254740993]"
    assert digest_of([2**53 + 1]) == digest_of([2.0**53])


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "exactly one of .*got none"),
        ({"stack": "a", "address": "{}"}, "got stack and address"),
        ({"address": "elsewhere"}, "not the address"),
        ({"address": '{"stateMachineArn": "x"}'}, "lacks tasksTable, resultsTable, payloadBucket"),
        ({"state_machine_arn": "Primes"}, "allowed: arn:aws:states"),
        ({"state_machine_arn": "arn:aws:states:eu-west-1:000000000000:stateMachine:m", "region": "us-east-1"}, "is in eu-west-1, not in us-east-1"),
        ({"state_machine_arn": "arn:aws:states:eu-west-1:000000000000:stateMachine:m", "construct": "m"}, "only together with stack"),
    ],
)
def test_targets_that_cannot_be_meant(options: dict[str, str], words: str) -> None:
    with pytest.raises(AddressError, match=words):
        BurstClient(**options)
