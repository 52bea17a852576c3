"""The worker of the Mandelbrot example in Python: the same results as ../node/worker.ts, to the last bit."""

import base64
import struct
import zlib

TILE = 64  # as in ../node/tiles.ts


def handler(event, context):
    """Computes the tiles of a range; what it returns is the result of the batch."""
    view = event["parameters"]
    start, end = event["range"]["start"], event["range"]["end"]
    return {"first": start, "tiles": [encode(compute_tile(view, index)) for index in range(start, end)]}


def compute_tile(view, index):
    """The iteration counts of a tile, row by row. Tiles are numbered from 0, row by row, too."""
    columns = -(-view["width"] // TILE)
    left, top = index % columns * TILE, index // columns * TILE
    right, bottom = min(left + TILE, view["width"]), min(top + TILE, view["height"])
    return [iterations(view, x, y) for y in range(top, bottom) for x in range(left, right)]


def iterations(view, x, y):
    """How often z -> z * z + c can be repeated for a pixel before |z| exceeds 2; at most maxIterations."""
    step = view["scale"] / view["width"]
    re = view["center"][0] + (x + 0.5 - view["width"] / 2) * step
    im = view["center"][1] - (y + 0.5 - view["height"] / 2) * step
    most = view["maxIterations"]
    a = b = 0.0
    count = 0
    while count < most:
        aa = a * a
        bb = b * b
        if aa + bb > 4:
            break
        b = 2 * a * b + im
        a = aa - bb + re
        count += 1
    return count


def encode(counts):
    """Two bytes for each count, low byte first, deflated, in Base64."""
    return base64.b64encode(zlib.compress(struct.pack(f"<{len(counts)}H", *counts))).decode()
