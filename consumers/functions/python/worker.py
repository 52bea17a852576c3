def handler(event, context):
    """Counts the primes of one batch."""
    numbers = range(max(2, event["range"]["start"]), event["range"]["end"])
    return sum(all(n % divisor for divisor in range(2, int(n**0.5) + 1)) for n in numbers)
