"""Organisations and their members, from `organization` events."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

import database
from records import changes, people
from records.merging import Decision, Row, Watermark
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.organization import OrganizationEvent


class OrganizationManager(models.Manager["Organization"]):
    """Writes `Organization` rows."""

    async def login_of(self, server: str, github_id: int) -> str | None:
        """Return the login of an organisation, if it is stored."""
        rows = self.filter(server=server, github_id=github_id).values_list("login", flat=True)
        return await database.run(rows.first)

    async def record(
        self, event: OrganizationEvent, server: str, github_id: int, former: str | None
    ) -> tuple[Row, Decision]:
        """Merge the snapshot of an organisation; return its row and the decision.

        `former` is the login that `renamed` replaced.
        """
        organization = event.organization
        return await SNAPSHOTS.record(
            (server, github_id),
            {"login": organization.login, "deleted": event.action == "deleted"},
            **(changes.replaced("login", former, organization.login) if organization.login else {}),
        )


class Organization(models.Model):
    """An organisation. GitHub sends no time for it, so a replaced login is never applied again."""

    server = models.CharField(max_length=253, help_text="host, as in github.com")
    github_id = models.BigIntegerField(help_text="unique within the server")
    login = models.TextField()
    changes = models.JSONField(default=dict, help_text="logins that were replaced")
    deleted = models.BooleanField(default=False)

    objects: ClassVar = OrganizationManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "github_id"], name="organization_of_server")
        ]

    def __str__(self) -> str:
        return self.login


class OrganizationMemberManager(models.Manager["OrganizationMember"]):
    """Writes `OrganizationMember` rows."""

    async def record(self, event: OrganizationEvent, organization: int) -> tuple[Row, Decision] | None:
        """Merge the snapshot of a member; return its row and the decision, or None for an event without one.

        `organization` is the primary key of `Organization`. An invitation does not replace a
        membership.
        """
        membership = event.membership
        user = membership.user if membership else event.user
        if user is None:
            return None
        invited = membership is None
        holder = membership or event.invitation
        return await MEMBERS.record(
            (organization, user.id),
            {
                "login": user.login,
                "role": holder.role if holder else None,
                "state": "invited" if invited else membership.state if membership else None,
                "removed": event.action == "member_removed",
            },
            action=people.BEGINS_AGAIN if event.action == "member_added" else event.action,
            first=invited,
        )


class OrganizationMember(people.Association):
    """An account in an organisation, or invited to it."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="members", db_index=False)
    role = models.TextField(blank=True, help_text="member, admin, direct_member, ...")
    state = models.TextField(blank=True, help_text="invited, pending or active")

    objects: ClassVar = OrganizationMemberManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "user_id"], name="member_of_organization")
        ]

    def __str__(self) -> str:
        return self.login


def _watermark(row: Row) -> Watermark:
    return Watermark(None, deleted=row["deleted"])


SNAPSHOTS = Snapshots(Organization, ("server", "github_id"), by_watermark(_watermark, tracked=("login",)))
MEMBERS = Snapshots(OrganizationMember, ("organization_id", "user_id"), by_watermark(people.watermark))
