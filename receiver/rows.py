"""Converts arrivals to the columns of rows, for both databases.

The statements are in `receiver/sql/`; they name these columns.
"""

from collections.abc import Sequence
from typing import Any

from receiver.arrivals import Arrival
from receiver.frames import pack


def of(arrivals: Sequence[Arrival], times: Sequence[int]) -> list[dict[str, Any]]:
    """Return the columns of arrivals, except for the body; `times` counts each arrival in its batch."""
    return [
        {
            "guid": arrival.guid,
            "hook_id": arrival.hook_id,
            "source": arrival.source,
            "secret_position": arrival.secret_position,
            "event": arrival.event,
            "action": arrival.action,
            "repository_id": arrival.repository_id,
            "repository": arrival.repository,
            "sender": arrival.sender,
            "installation_id": arrival.installation_id,
            "number": arrival.number,
            "headers": pack(arrival.headers),
            "content_type": arrival.content_type,
            "size": len(arrival.body),
            "digest": arrival.digest,
            "redeliveries": count - 1,
            "address": arrival.address,
        }
        for arrival, count in zip(arrivals, times, strict=True)
    ]
