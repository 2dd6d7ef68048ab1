"""Model fields for what is stored compressed: bodies and headers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from receiver.frames import UnreadableBodyError, compress, decompress, pack, unpack

if TYPE_CHECKING:
    Bytes = models.BinaryField[bytes | None, bytes | None]
else:
    Bytes = models.BinaryField  # generic only in the stubs


class CompressedField(Bytes):
    """Stores bytes as one zstd frame and reads them back unchanged."""

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Return the frame in the format of the database driver."""
        frame = None if value is None else compress(bytes(value))
        return super().get_db_prep_value(frame, connection, prepared)

    def from_db_value(self, value: Any, _expression: Any, _connection: BaseDatabaseWrapper) -> bytes | None:
        """Return the original bytes."""
        return None if value is None else decompress(bytes(value))


class HeadersField(models.JSONField):
    """A JSON object of headers, stored as a packed text. Migrations see a JSONField."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Return the field as a JSONField: the column is the same."""
        name, _, arguments, named = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, named

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Return the packed text; no headers stay an empty object."""
        packed = pack(value) if isinstance(value, dict) and value else value
        return super().get_db_prep_value(packed, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return the headers; none where their text is damaged: one row must not stop a claim of many.

        The value is JSON, or what psycopg decoded from it.
        """
        is_json = isinstance(value, str) and value.startswith(('"', "{"))
        found = super().from_db_value(value, expression, connection) if is_json else value
        try:
            return unpack(found) if isinstance(found, str) else found
        except (UnreadableBodyError, ValueError):
            return {}
