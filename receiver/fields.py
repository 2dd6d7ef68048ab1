"""A model field for bytes that are kept compressed."""

import threading
from typing import TYPE_CHECKING, Any

import zstandard
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# Level 1: 20 microseconds for a push of 7.6 KB, 5 to 11 times smaller. Left to PostgreSQL, compressing the
# body costs more than the rest of the insert.
LEVEL = 1


_thread = threading.local()


def compress(body: bytes) -> bytes:
    """One zstd frame; every thread keeps its compressor, which costs more to make than to use."""
    try:
        compressor = _thread.compressor
    except AttributeError:
        compressor = _thread.compressor = zstandard.ZstdCompressor(LEVEL)
    frame: bytes = compressor.compress(body)
    return frame


def decompress(frame: bytes) -> bytes:
    """The reverse of `compress`."""
    try:
        decompressor = _thread.decompressor
    except AttributeError:
        decompressor = _thread.decompressor = zstandard.ZstdDecompressor()
    body: bytes = decompressor.decompress(frame)
    return body


if TYPE_CHECKING:
    Bytes = models.BinaryField[bytes, bytes]
else:
    Bytes = models.BinaryField  # generic in the stubs alone


class CompressedField(Bytes):
    """Bytes that lie in the database as one zstd frame and are read back exactly as they were written."""

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """The frame, as the database driver wants it."""
        frame = None if value is None else compress(bytes(value))
        return super().get_db_prep_value(frame, connection, prepared)

    def from_db_value(self, value: Any, _expression: Any, _connection: BaseDatabaseWrapper) -> bytes | None:
        """The bytes as they were written."""
        return None if value is None else decompress(bytes(value))
