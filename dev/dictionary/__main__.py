"""`python -m dev.dictionary ID`: train a dictionary of that id and write it to `receiver/dictionaries/`.

The same samples and the pinned zstandard make the same bytes. A file that exists stays as it is: stored
bodies need released dictionaries, so a better one has the next id. See docs/decisions/0057.
"""

import argparse
from pathlib import Path

import zstandard

from dev.dictionary.samples import samples

FOLDER = Path(__file__).parents[2] / "receiver" / "dictionaries"


def main() -> None:
    """Train and write a dictionary, and print its size."""
    parser = argparse.ArgumentParser(prog="python -m dev.dictionary", description=__doc__)
    parser.add_argument("id", type=int, help="names the file, and is in each frame")
    parser.add_argument("--kib", type=int, default=32, help="its size (%(default)s)")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder (%(default)s)")
    chosen = parser.parse_args()
    texts: list[bytes | bytearray | memoryview] = list(samples())
    # Segments of 1.5 KiB, chosen by the frequency of their runs of 8 bytes.
    trained = zstandard.train_dictionary(
        chosen.kib * 1024, texts, k=1536, d=8, accel=1, split_point=1.0, dict_id=chosen.id, level=3
    )
    path = chosen.to / f"{chosen.id}.zdict"
    with path.open("xb") as file:
        file.write(trained.as_bytes())
    print(f"{path}: {len(trained):,} bytes from {len(texts):,} texts of {sum(map(len, texts)):,} bytes")


if __name__ == "__main__":
    main()
