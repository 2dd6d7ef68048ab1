"""Run the handlers over payloads, one after the other, each with a delivery's context."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import handlers
import schemas
from handlers import DeliveryContext, registry
from tests import github

events = schemas.discover(schemas)
schemas.modules(handlers)
NO_HEADERS: Mapping[str, str] = {}


def context(event: str, server: str = schemas.GITHUB) -> DeliveryContext:
    received_at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    return DeliveryContext(uuid4(), 1, "", event, received_at, server=server)


async def handle(event: str, payload: dict[str, Any], headers: Mapping[str, str] = NO_HEADERS) -> str:
    """Run every handler that wants the payload; return their notes."""
    body = json.dumps(payload).encode()
    parsed = schemas.parse(events[event], body)
    delivery = context(event, schemas.server_in(parsed, body, headers))
    for handler in registry.wanting(parsed, event):
        await handler.run(parsed, delivery)
    return ", ".join(delivery.notes)


async def handle_cases(*cases: str) -> list[str]:
    """Do the same for the project's own payloads, by name."""
    return [await handle(case.partition("__")[0], github.payload(case)) for case in cases]
