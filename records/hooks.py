"""Hooks, from their pings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.repositories import Repository
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.ping import PingEvent


class HookManager(models.Manager["Hook"]):
    """Writes `Hook` rows."""

    async def record(self, event: PingEvent, hook_id: int, received_at: datetime) -> tuple[Row, Decision]:
        """Merge what a ping says of its hook, and of the repository where the hook belongs to one.

        `hook_id` is that of the delivery's header. A ping carries no time, so the time of receipt orders two.
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


class Hook(models.Model):
    """A webhook, as its last ping told what it is configured to send."""

    hook_id = models.BigIntegerField(unique=True, help_text="X-GitHub-Hook-ID")
    repository = models.ForeignKey(
        Repository, models.CASCADE, null=True, related_name="hooks", help_text="null for an organisation's"
    )
    organization = models.TextField(blank=True, help_text="login, of an organisation's hook")
    events = models.JSONField(default=list, help_text="names; * is all")
    content_type = models.TextField(blank=True, help_text="json or form")
    active = models.BooleanField(default=True)
    last_ping_at = models.DateTimeField(help_text="time of its receipt")

    objects: ClassVar = HookManager()

    def __str__(self) -> str:
        return str(self.hook_id)


SNAPSHOTS = Snapshots(Hook, ("hook_id",), lambda row: Watermark(row["last_ping_at"]))
