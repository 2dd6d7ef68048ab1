"""Stores deliveries from GitHub's API: parsed payloads, unsigned, whose bytes differ from the sent ones."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from database import row_sets
from receiver import envelopes
from receiver.models import Delivery, digest_of
from upstream.answers import DeliveryDetail
from upstream.models import Missed, MissedState

MAX_HEADER = 1024  # characters
HOW = "fetched from GitHub's API, unsigned"


def hook_id_of(detail: DeliveryDetail) -> int | None:
    """Return `X-GitHub-Hook-ID` of the request that a detail shows."""
    value = _headers(detail).get("X-GitHub-Hook-ID", "")
    return int(value) if value.isascii() and value.isdigit() else None


def _headers(detail: DeliveryDetail) -> dict[str, str]:
    """Return GitHub's own headers in the spelling of `Delivery.headers`, without signatures."""
    found = {}
    for name, value in (detail.request.headers or {}).items():
        wanted = name.lower() == "user-agent" or name.lower().startswith("x-github-")
        if wanted and isinstance(value, str) and len(value) <= MAX_HEADER:
            words = name.replace("_", "-").split("-")
            found["-".join(_SPELLING.get(word.lower(), word.capitalize()) for word in words)] = value
    return found


_SPELLING = {"github": "GitHub", "id": "ID"}


@transaction.atomic
def store(missed: Missed, detail: DeliveryDetail, source: str) -> bool:
    """Store the delivery as received and unsigned, and mark it; return False if the ledger has it by now."""
    # Escapes keep lone surrogates, which UTF-8 cannot hold.
    body = json.dumps(detail.request.payload, separators=(",", ":")).encode()
    now = row_sets.clock()
    # A row that arrived meanwhile is not read: its body may be large, or damaged.
    _, created = Delivery.objects.only("pk").get_or_create(
        guid=missed.guid, hook_id=missed.hook_id, source=source, defaults=_columns(detail, body, now)
    )
    Missed.objects.filter(pk=missed.pk).update(
        state=MissedState.ARRIVED, arrived_at=now, reason=HOW if created else ""
    )
    return created


def _columns(detail: DeliveryDetail, body: bytes, now: datetime) -> Mapping[str, Any]:
    return {
        **envelopes.read(body),
        "unsigned": True,
        "event": detail.event[:64],
        "headers": _headers(detail),
        "content_type": "application/json",
        "body": body,
        "size": len(body),
        "digest": digest_of(body),
        "received_at": now,
        "next_attempt_at": now,
    }
