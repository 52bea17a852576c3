"""The Python twin of the Node worker."""
import os
import time


def handler(event, context):
    parameters = event.get("parameters") or {}
    behaviour = parameters.get("misbehave", {}).get(str(event["batchId"]))
    if behaviour == "throw":
        raise ValueError(f"cannot work on batch {event['batchId']}")
    if behaviour == "flaky" and event["invocationAttempt"] == 1:
        raise RuntimeError("only the first time")
    if behaviour == "exit":
        os._exit(1)
    if behaviour == "hang":
        time.sleep(60)
    numbers = event["items"] if "items" in event else range(event["range"]["start"], event["range"]["end"])
    return {"batchId": event["batchId"], "squares": [n * n for n in numbers], "padding": "x" * parameters.get("bytes", 0)}
