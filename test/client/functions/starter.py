"""A function that starts a job of items: one per event, however often Lambda makes the call."""

import os

from burst_compute import BurstClient

client = BurstClient(os.environ["JOB"])


def handler(event, context):
    job = client.submit(event["request"], name=f"of-{context.aws_request_id}")
    if event.get("cancel"):  # which it may not
        client.cancel(job)
    status = client.wait(job, poll_seconds=0.2).status
    first = next(item.result for batch in client.results(job) for item in batch.items())
    return {"job": job, "status": status, "result": client.result(job), "first": first}
