RATES = {"EUR": 1, "GBP": 1.17, "USD": 0.92}


def handler(event, context):
    """Adds to each order of a batch what it is worth in euros; an item is a row of the CSV by the names in its header, all strings."""
    return [enrich(order) for order in event["items"]]


def enrich(order):
    rate = RATES.get(order["currency"])
    if rate is None:
        raise ValueError(f"order {order['id']} is in {order['currency']}, known are {', '.join(RATES)}")
    return {**order, "cents": int(float(order["amount"]) * rate * 100 + 0.5)}


def audit(event, context):
    """Another of the unlike tasks: what is wrong with the order in its params."""
    order = event["task"]["params"]
    return [f"unknown currency {order['currency']}"] if order["currency"] not in RATES else []
