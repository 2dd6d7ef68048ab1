"""An arrival as a row: the columns that vary, those that every new row begins with, and the conflict clause.

Both writers make their one statement of these, so that a column is named in one place.
"""

from uuid import UUID

from pydantic_core import to_json

from receiver.arrivals import Arrival
from receiver.fields import compress
from receiver.models import Delivery, Status

TABLE = Delivery._meta.db_table
# Column to PostgreSQL's type.
VARYING = {
    "guid": "uuid",
    "hook_id": "bigint",
    "source": "text",
    "secret_position": "smallint",
    "event": "text",
    "action": "text",
    "repository_id": "bigint",
    "repository": "text",
    "sender": "text",
    "installation_id": "bigint",
    "number": "bigint",
    "headers": "text",
    "content_type": "text",
    "body": "bytea",
    "redeliveries": "integer",
}
# Column to SQL; the times are each database's own.
BEGINNING = {
    "status": f"'{Status.RECEIVED}'",
    "attempts": "0",
    "claims": "0",
    "crashes": "0",
    "worker": "''",
    "error": "''",
}
# The statement that finds a row there already has to count it, or a concurrent one would be lost.
CONFLICT = (
    "ON CONFLICT (guid, hook_id) DO UPDATE "
    f"SET redeliveries = {TABLE}.redeliveries + EXCLUDED.redeliveries + 1 "
    "RETURNING id, guid, hook_id, status, redeliveries"
)

Values = tuple[
    UUID, int, str, int, str, str, int | None, str, str, int | None, int | None, str, str, bytes, int
]  # fmt: skip


def values(arrival: Arrival, times: int) -> Values:
    """The varying columns of an arrival that came so many `times` in its batch."""
    return (
        arrival.guid,
        arrival.hook_id,
        arrival.source,
        arrival.secret_position,
        arrival.event,
        arrival.action,
        arrival.repository_id,
        arrival.repository,
        arrival.sender,
        arrival.installation_id,
        arrival.number,
        to_json(arrival.headers).decode(),
        arrival.content_type,
        compress(arrival.body),
        times - 1,
    )
