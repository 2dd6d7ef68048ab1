"""Writes deliveries as files: `<event>__<action>_<id>.json`, the names that samples and tests have."""

import os
import re
from pathlib import Path

import schemas
from receiver.models import Delivery


class NotRecordedError(Exception):
    """The file cannot be written, or would replace another delivery's."""


def file_name(delivery: Delivery) -> str:
    """Return the name of a delivery's file. Event and action are text of the sender."""
    event = re.sub(r"[^a-z0-9_]+", "_", delivery.event.lower()).strip("_")
    action = re.sub(r"[^a-z0-9]+", "_", delivery.action.lower())[:64].strip("_")
    return f"{event}__{f'{action}_' if action else ''}{delivery.pk}.json"


def record(folder: Path, delivery: Delivery, body: bytes) -> Path:
    """Write the payload of a delivery, readable by its owner alone; return the path.

    It is the exact body, or of a form the JSON in it, because that is what `send --file` sends. An existing
    file is left as it is. Raises `NotRecordedError`.
    """
    path = folder / file_name(delivery)
    try:
        payload = schemas.json_of(body, delivery.content_type)
    except schemas.PayloadError:
        payload = body
    try:
        if path.exists():
            if path.read_bytes() != payload:
                raise NotRecordedError(f"{path} holds another payload: choose an empty folder")
            return path
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_bytes(payload)
        part.replace(path)
    except OSError as error:
        raise NotRecordedError(f"not recorded: {error}") from error
    return path
