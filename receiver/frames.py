"""Compresses bodies to zstd frames, and headers to text, with a dictionary of what GitHub writes in each.

A dictionary is a file in `dictionaries/`, named by its id, which is in each frame that was made with it. A
released file never changes, because stored frames need it. Frames are made with a new one by default from the
release after the one that brought it, so that the version before can read them: docs/decisions/0057.
"""

import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

import zstandard
from django.conf import settings
from pydantic_core import from_json, to_json

# Frames without a dictionary. Redeliveries are sent so: rows of version 0.1 are compared by their frames.
PLAIN = 0
# The id of the dictionary that new frames are made with.
WRITTEN = 1 if settings.COMPRESS_WITH_DICTIONARY else PLAIN
# Bytes of the largest body that a dictionary is used for. It makes a larger one hardly smaller.
LARGEST_WITH_DICTIONARY = 128 * 1024
# Level 1 takes 10 microseconds for a push of 7.6 KB. With a dictionary, level 3 takes 13 and saves a quarter.
PLAIN_LEVEL, LEVEL = 1, 3

UnreadableBodyError = zstandard.ZstdError
"""A stored body is not what `compress` made: the disk or somebody else changed it."""


class UnknownDictionaryError(zstandard.ZstdError):
    """A frame was made by a later version, with a dictionary that this one does not have."""

    def __init__(self, number: int) -> None:
        super().__init__(f"compressed with dictionary {number}, which this version does not have")


def _read(path: Path) -> zstandard.ZstdCompressionDict:
    dictionary = zstandard.ZstdCompressionDict(path.read_bytes(), dict_type=zstandard.DICT_TYPE_FULLDICT)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


_FILES = Path(__file__).parent.glob("dictionaries/*.zdict")
DICTIONARIES: dict[int, zstandard.ZstdCompressionDict | None] = {
    PLAIN: None,
    **{int(path.stem): _read(path) for path in _FILES},
}


class _Thread(threading.local):
    """The compressors and decompressors of one thread. To create one costs more than to use it."""

    def __init__(self) -> None:
        self.compressors = {
            number: zstandard.ZstdCompressor(LEVEL if number else PLAIN_LEVEL, dictionary)
            for number, dictionary in DICTIONARIES.items()
        }
        self.decompressors = {
            number: zstandard.ZstdDecompressor(dictionary) for number, dictionary in DICTIONARIES.items()
        }


_thread = _Thread()


def compress(body: bytes, dictionary: int = WRITTEN) -> bytes:
    """Return one zstd frame; a large body is compressed without the dictionary."""
    number = dictionary if len(body) <= LARGEST_WITH_DICTIONARY else PLAIN
    frame: bytes = _thread.compressors[number].compress(body)
    return frame


def id_of(frame: bytes) -> int:
    """Return the id of the frame's dictionary. Raise `UnreadableBodyError` if these bytes are not a frame."""
    return zstandard.get_frame_parameters(frame).dict_id


def decompress(frame: bytes) -> bytes:
    """Return the bytes that `compress` compressed.

    Raise `UnreadableBodyError` for anything else, and its kind `UnknownDictionaryError` for a frame of a
    later version.
    """
    number = id_of(frame)
    decompressor = _thread.decompressors.get(number)
    if decompressor is None:
        raise UnknownDictionaryError(number)
    body: bytes = decompressor.decompress(frame)
    return body


def pack(headers: Mapping[str, str]) -> str | Mapping[str, str]:
    """Return headers as a text, because a column of JSON holds no bytes; unchanged without a dictionary."""
    if WRITTEN == PLAIN:
        return headers
    return b64encode(compress(to_json(dict(sorted(headers.items()))))).decode()


def unpack(packed: str) -> dict[str, str]:
    """Return the headers of a packed text. Raise `UnreadableBodyError` or ValueError for anything else."""
    headers: dict[str, str] = from_json(decompress(b64decode(packed)))
    return headers
