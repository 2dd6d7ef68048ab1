"""Converts arrivals to the columns of rows, for both databases.

The statements are in `receiver/sql/`; they name these columns.
"""

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from receiver.arrivals import Arrival
from receiver.fields import compress

COLUMNS = (
    "guid", "hook_id", "source", "secret_position", "event", "action", "repository_id", "repository",
    "sender", "installation_id", "number", "headers", "content_type", "body", "size", "digest",
    "redeliveries",
)  # fmt: skip


def of(arrivals: Sequence[Arrival], times: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return the values of `COLUMNS` for arrivals; `times` counts each in its batch."""
    return [
        (
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
            len(arrival.body),
            arrival.digest,
            count - 1,
        )
        for arrival, count in zip(arrivals, times, strict=True)
    ]
