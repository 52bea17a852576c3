"""The worker of the digit search in Python: the same neighbours as ../node/worker.ts."""

from functools import lru_cache
from heapq import nsmallest
from itertools import chain
from operator import mul
from pathlib import Path

HERE = Path(__file__).resolve().parent
PIXELS = 784  # as in ../node/digits.ts


def handler(event, context):
    """Compares the candidates of a range with all queries; the nearest of each query, as index, distance, index, distance, ..."""
    start, end = event["range"]["start"], event["range"]["end"]
    k = (event.get("parameters") or {}).get("k", 5)
    candidates = [(index, pixels, squares(pixels)) for index, pixels in enumerate(read_candidates(start, end), start)]
    return [nearest(query, candidates, k) for query in queries()]


def nearest(query, candidates, k):
    own = squares(query)
    # |a - b|^2 = |a|^2 + |b|^2 - 2 ab; pairs sort by distance, then by index
    found = nsmallest(k, ((own + other - 2 * sum(map(mul, query, pixels)), index) for index, pixels, other in candidates))
    return list(chain.from_iterable((index, distance) for distance, index in found))


def squares(pixels):
    return sum(map(mul, pixels, pixels))


@lru_cache(maxsize=1)  # once per process: the same for each batch
def queries():
    return pictures((HERE / "query-pixels.bin").read_bytes())


def read_candidates(start, end):
    with open(HERE / "candidate-pixels.bin", "rb") as file:
        file.seek(start * PIXELS)
        pixels = file.read((end - start) * PIXELS)
    if len(pixels) < (end - start) * PIXELS:
        there = (HERE / "candidate-pixels.bin").stat().st_size // PIXELS
        raise IndexError(f"there are {there} candidates, asked for {start} to {end}: let items.range end at {there}")
    return pictures(pixels)


def pictures(pixels):
    return [pixels[at : at + PIXELS] for at in range(0, len(pixels), PIXELS)]
