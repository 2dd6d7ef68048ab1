"""What a later version would store, and this one cannot read."""

from pathlib import Path

import zstandard

from receiver import frames

DICTIONARIES = Path(frames.__file__).parent / "dictionaries"


def frame() -> bytes:
    """Return a frame that was made with a dictionary of the id 7."""
    content = (DICTIONARIES / "1.zdict").read_bytes()
    later = zstandard.ZstdCompressionDict(content[:4] + (7).to_bytes(4, "little") + content[8:])
    return zstandard.ZstdCompressor(1, later).compress(b'{"zen": "Keep it logically awesome."}')
