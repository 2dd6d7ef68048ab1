"""Hooks, from their pings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from records.models import Hook  # noqa: F401 - in quotes below
    from schemas.ping import PingEvent

SNAPSHOTS = Snapshots("Hook", ("hook_id",), lambda row: Watermark(row["last_ping_at"]))


class HookManager(models.Manager["Hook"]):
    """Writes `Hook` rows."""

    async def record(self, event: PingEvent, hook_id: int, received_at: datetime) -> tuple[Row, Decision]:
        """Take in what a ping says of its hook, and the repository, where it belongs to one.

        `hook_id` is that of the delivery's header. A ping carries no time, so that of its receipt decides
        which of two is the later.
        """
        repository = None if event.repository is None else await repositories.seen(event.repository)
        hook = event.hook
        return await SNAPSHOTS.record(
            (event.hook_id or hook_id,),
            {
                "repository_id": repository,
                "organization": event.organization.login if event.organization else "",
                "events": sorted(hook.events) if hook else [],
                "content_type": (hook.config.content_type or "") if hook and hook.config else "",
                "active": hook is None or hook.active,
                "last_ping_at": received_at,
            },
        )
