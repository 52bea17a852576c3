"""The functions of the tests of burst-compute: two workers, one of items and one of listed functions, and a combiner."""

import time

from pricing import price
from burst_compute import burst_worker, read_results


@burst_worker
def square(item, parameters, batch):
    parameters = parameters or {}
    if item == parameters.get("bad"):
        raise ValueError(f"cannot square {item}")
    if batch.batch_id == parameters.get("exitIn"):
        raise SystemExit(3)
    time.sleep(parameters.get("sleep", 0) / max(1, len(batch.items)))
    return {"square": item * item, "padding": "x" * parameters.get("bytes", 0)}


def combine(event, context):
    """Sums what is there, and counts the rest."""
    total, failed_items, states = 0, [], {"succeeded": 0, "failed": 0, "missing": 0}
    for expected, batch in enumerate(read_results(event)):
        assert batch.batch_id == expected
        states[batch.state] += 1
        for item in batch.items() if batch.state == "succeeded" else ():
            if item.state == "succeeded":
                total += item.result["square"]
            else:
                failed_items.append([batch.batch_id, item.index, item.error_type])
    return {"total": total, "failedItems": failed_items, "states": states, "form": next(iter(event["results"]))}


def nap(seconds, value=None):
    time.sleep(seconds)
    return value


def tell(value, *, batch, parameters):
    return [value, batch.job_id, len(batch.items), parameters]


class OwnError(Exception):
    pass


def fail(kind):
    if kind == "exit":
        raise SystemExit(1)
    raise {"own": OwnError, "key": KeyError, "value": ValueError}[kind]("remote words")


calls = burst_worker(functions=[pow, divmod, "operator:mul", nap, tell, fail, price])

named = burst_worker(functions={"increment": lambda params: params["n"] + 1, "fail": lambda params: fail(params)})


@burst_worker
def whole(params, batch):
    return [batch.task_id, params]
