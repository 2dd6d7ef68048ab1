"""Hooks, from their pings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import account_renames, repositories
from records.account_renames import Shown
from records.merging import Decision, Row, Snapshot, Watermark
from records.repositories import Repository
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.meta import MetaEvent
    from schemas.ping import PingEvent


class HookManager(models.Manager["Hook"]):
    """Writes `Hook` rows."""

    async def record(
        self, event: PingEvent | MetaEvent, server: str, hook_id: int, received_at: datetime
    ) -> tuple[Row, Decision]:
        """Merge a ping's snapshot of its hook, and of the repository if the hook belongs to one.

        `hook_id` is that of the delivery's header, for a payload without one. A ping has no time, so pings
        are ordered by their receipt. `meta` leaves a tombstone, because GitHub does not reuse the id.
        """
        hook, gone = event.hook, event.event == "meta"
        account, organization = None, ""
        if event.organization and event.organization.login:
            account = Shown(server, event.organization.login, received_at, event.organization.id)
            organization = await account_renames.present_login(account)
        fields: dict[str, Any] = {
            "organization": organization,
            "events": sorted(name for name in hook.events or () if name) if hook else [],
            "content_type": (hook.config.content_type or "") if hook and hook.config else "",
        }
        if event.repository is not None:
            fields["repository_id"] = await repositories.upsert(event.repository, server)
        # Only fields that the payload has: GitHub may leave out every part.
        fields = {name: value for name, value in fields.items() if value}
        fields |= {"active": not gone and (hook is None or hook.active is not False), "deleted": gone}
        if not gone:
            fields["last_ping_at"] = received_at
        recorded = await SNAPSHOTS.record((server, event.own_hook_id or hook_id), fields)
        if account:
            rows = self.filter(pk=recorded[0]["id"])
            await account_renames.correct_one(account, organization, rows, "organization")
        return recorded

    async def follow_organization(self, server: str, former: str) -> None:
        """Rename the organisation of its hooks: their next ping may never come."""
        rows = self.filter(server=server, organization=former)
        await account_renames.correct(rows, "organization", "last_ping_at")


class Hook(models.Model):
    """A webhook with the configuration that its last ping showed."""

    server = models.CharField(max_length=253, help_text="host, as in github.com")
    hook_id = models.BigIntegerField(help_text="X-GitHub-Hook-ID: unique within the server")
    repository = models.ForeignKey(
        Repository, models.CASCADE, null=True, related_name="hooks", help_text="null for an organisation's"
    )
    organization = models.TextField(blank=True, help_text="login, of an organisation's hook")
    events = models.JSONField(default=list, help_text="names; * is all")
    content_type = models.TextField(blank=True, help_text="json or form")
    active = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False, help_text="from the event `meta`")
    last_ping_at = models.DateTimeField(null=True, help_text="time of its receipt")

    objects: ClassVar = HookManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["server", "hook_id"], name="hook_of_server")]

    def __str__(self) -> str:
        return str(self.hook_id)


# Fields that no payload empties.
DETAILS = frozenset({"repository_id", "organization", "events", "content_type"})


def _watermark(row: Row) -> Watermark:
    return Watermark(row["last_ping_at"], deleted=row["deleted"])


_by_receipt = by_watermark(_watermark, side_fields={"last_ping_at": "last_ping_at"})


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge by the time of receipt. A late ping adds fields that the deletion or a newer ping lacks."""
    now = _by_receipt(stored, snapshot, blank)
    missing = {name: value for name, value in snapshot.fields.items() if not now[name] and name in DETAILS}
    return {**now, **missing} if missing else now


SNAPSHOTS = Snapshots(Hook, ("server", "hook_id"), _merge)
