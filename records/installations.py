"""Installations of GitHub Apps, and the repositories that each can access."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.db import models

import database
from records import account_renames, repositories
from records.account_renames import Shown
from records.merging import Decision, Row
from records.repositories import Repository
from records.snapshots import Snapshots

if TYPE_CHECKING:
    import schemas
    from schemas.installation import Installation as InstallationSnapshot


class InstallationManager(models.Manager["Installation"]):
    """Writes `Installation` rows."""

    async def record(self, snapshot: InstallationSnapshot, server: str, action: str) -> tuple[Row, Decision]:
        """Merge the snapshot of an installation; return its row and the decision.

        `action` is that of an `installation` event; `deleted` leaves a tombstone.
        """
        account, name, shown = snapshot.account, "", None
        if account and account.login:
            shown = Shown(server, account.login, snapshot.updated_at, account.id)
            name = await account_renames.present_login(shown)
        events = snapshot.events
        recorded = await SNAPSHOTS.record(
            (server, snapshot.id),
            {
                "account": name or (account.slug if account else None),
                "target_type": snapshot.target_type,
                "app_id": snapshot.app_id,
                "app": snapshot.app_slug,
                "repository_selection": snapshot.repository_selection,
                "permissions": snapshot.readable_permissions,
                "events": None if events is None else sorted(name for name in events if name),
                "suspended_at": snapshot.suspended_at,
                "created_at": snapshot.created_at,
                "updated_at": snapshot.updated_at,
                "deleted": action == "deleted",
            },
            action=action,
            first=action == "created",
        )
        if shown:
            rows = self.filter(pk=recorded[0]["id"])
            await account_renames.correct_one(shown, name, rows, "account")
        return recorded

    async def follow_account(self, server: str, former: str) -> None:
        """Rename the account of its installations, whose snapshots may come late or never."""
        # An enterprise has a slug of its own, which may equal a login.
        rows = self.filter(server=server, account=former).exclude(target_type="Enterprise")
        await account_renames.correct(rows, "account", "updated_at")

    async def record_repositories(
        self,
        shown: Iterable[schemas.Repository | None],
        installation: Row,
        snapshot: InstallationSnapshot,
        *,
        removed: bool,
        first: bool = False,
    ) -> int:
        """Record that an installation can access repositories, or no longer can; return their number.

        `first` if the installation began with them: any stored row is newer. A deleted installation can
        access none, whatever arrives late.
        """

        async def record(repository: schemas.Repository) -> None:
            pk = await repositories.upsert(repository, installation["server"])
            fields = {"removed": removed or installation["deleted"], "updated_at": snapshot.updated_at}
            await REPOSITORIES.record((installation["id"], pk), fields, first=first)

        named = [repository for repository in shown if repository is not None]
        await asyncio.gather(*map(record, named))
        if installation["deleted"]:
            rows = InstallationRepository.objects.filter(installation=installation["id"], removed=False)
            await database.run(rows.update, removed=True)
        return len(named)


class Installation(models.Model):
    """An App on an account, as the newest snapshot shows it; a deleted one stays as a tombstone."""

    server = models.CharField(max_length=253, help_text="host, as in github.com")
    github_id = models.BigIntegerField(help_text="unique within the server")
    account = models.TextField(blank=True, help_text="login, or slug of an enterprise")
    target_type = models.TextField(blank=True, help_text="User, Organization or Enterprise")
    app_id = models.BigIntegerField(null=True)
    app = models.TextField(blank=True, help_text="slug")
    repository_selection = models.TextField(blank=True, help_text="all or selected")
    permissions = models.JSONField(default=dict, help_text="read or write, by name")
    events = models.JSONField(default=list, help_text="names")
    suspended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")
    deleted = models.BooleanField(default=False)

    objects: ClassVar = InstallationManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "github_id"], name="installation_of_server")
        ]

    def __str__(self) -> str:
        return f"{self.app} on {self.account}"


class InstallationRepository(models.Model):
    """A repository that an installation can access, or once could."""

    installation = models.ForeignKey(
        Installation, models.CASCADE, related_name="repositories", db_index=False
    )
    repository = models.ForeignKey(Repository, models.CASCADE, related_name="installations")
    removed = models.BooleanField(default=False)
    updated_at = models.DateTimeField(null=True, help_text="the installation's, of the last event about it")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["installation", "repository"], name="repository_of_installation")
        ]

    def __str__(self) -> str:
        return f"{self.installation_id} sees {self.repository_id}"


SNAPSHOTS = Snapshots(Installation, ("server", "github_id"))
REPOSITORIES = Snapshots(InstallationRepository, ("installation_id", "repository_id"))
