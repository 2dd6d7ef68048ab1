"""Converts an envelope, the few fields that are read before a payload is validated, to columns. Pure."""

from typing import TypedDict

from schemas import Envelope

MAX_TEXT = 255  # characters of a column


class Columns(TypedDict):
    """The columns of a delivery that are read from its body, named as in `Delivery`."""

    action: str
    repository_id: int | None
    repository: str
    sender: str
    installation_id: int | None
    number: int | None


def columns(envelope: Envelope) -> Columns:
    """Return the columns of a delivery with this envelope. Absent parts are empty, or null."""
    repository, sender, installation = envelope.repository, envelope.sender, envelope.installation
    subject = envelope.pull_request or envelope.issue
    return {
        "action": (envelope.action or "")[:MAX_TEXT],
        "repository_id": repository.id if repository else None,
        "repository": ((repository.full_name if repository else None) or "")[:MAX_TEXT],
        "sender": ((sender.login if sender else None) or "")[:MAX_TEXT],
        "installation_id": installation.id if installation else None,
        "number": subject.number if subject else None,
    }
