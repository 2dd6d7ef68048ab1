"""Bodies compressed without a dictionary, and with the newest: bytes and CPU time.

The dictionary is trained on the project's samples without their names, never on GitHub's published examples.
"""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial

from rich.table import Table

from bench import delivery, workload
from bench.examples import FOLDERS
from receiver.frames import DICTIONARIES, PLAIN, compress, decompress

ROUNDS = 7  # of which the fastest counts: other work only makes a round slower
WORKLOAD = 500  # deliveries
NEWEST = max(DICTIONARIES)


def table() -> Table:
    """Measure, and return bytes and microseconds of CPU of a body."""
    shown = Table(
        "", "bytes", "frame", "with dictionary", "compress, µs", "with dictionary", "decompress, µs",
        "with dictionary", title="bodies: means, and CPU of the fastest of seven rounds",
    )  # fmt: skip
    for name, bodies in _bodies().items():
        frames = {number: [compress(body, number) for body in bodies] for number in (PLAIN, NEWEST)}
        sizes = [_mean(bodies), *(_mean(frames[number]) for number in (PLAIN, NEWEST))]
        times = [
            *(_cpu(partial(compress, dictionary=number), bodies) for number in (PLAIN, NEWEST)),
            *(_cpu(decompress, frames[number]) for number in (PLAIN, NEWEST)),
        ]
        shown.add_row(name, *(f"{size:,.0f}" for size in sizes), *(f"{one * 1e6:.1f}" for one in times))
    return shown


def _bodies() -> dict[str, Sequence[bytes]]:
    found: dict[str, Sequence[bytes]] = {
        "the mixed load": [item.body for item in workload.deliveries(0, WORKLOAD)],
        "the push of the receiver's part": [delivery.push().body] * 100,
    }
    paths = sorted(FOLDERS[1].glob("*.json"))
    if examples := [delivery.dump(json.loads(path.read_bytes())) for path in paths]:
        found[f"GitHub's {len(examples)} published examples"] = examples
    return found


def _mean(texts: Sequence[bytes]) -> float:
    return sum(map(len, texts)) / len(texts)


def _cpu(work: Callable[[bytes], object], texts: Sequence[bytes]) -> float:
    """Return the CPU seconds of one text."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for text in texts:
            work(text)
        fastest = min(fastest, time.process_time() - began)
    return fastest / len(texts)
