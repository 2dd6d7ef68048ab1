"""Releases, from the snapshot that every action carries."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import changes, repositories
from records.activity import Activity
from records.merging import Decision, Row, Snapshot
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.release import Release as ReleaseSnapshot
    from schemas.release import ReleaseEvent


TEXTS = ("name", "body", "tag_name")


class ReleaseManager(models.Manager["Release"]):
    """Writes `Release` rows."""

    async def record(self, event: ReleaseEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a release; return its row and the decision.

        `deleted` leaves a tombstone.
        """
        repository = await repositories.upsert(event.repository, server)
        shown = changes.decided(event.action, _fields(event.release))
        fields = {**shown, "deleted": event.action == "deleted"}
        return await SNAPSHOTS.record(
            (repository, event.release.id),
            fields,
            action=event.action,
            first=event.action == "created",
            **changes.edited(event.changes, {name: fields[name] or "" for name in TEXTS}),
        )

    async def observe(self, repository: int, release: ReleaseSnapshot) -> tuple[Row, Decision]:
        """Merge a release as GitHub's API shows it; `repository` is a primary key."""
        return await SNAPSHOTS.record((repository, release.id), {**_fields(release), "deleted": False})


class Release(Activity):
    """A release as the newest snapshot shows it; a deleted one stays as a tombstone."""

    github_id = models.BigIntegerField()
    tag_name = models.TextField()
    target = models.TextField(blank=True, help_text="branch or commit that the tag is made from")
    name = models.TextField(blank=True)
    body = models.TextField(blank=True)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    draft = models.BooleanField(default=False)
    prerelease = models.BooleanField(default=False)
    created_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    last_published_at = models.DateTimeField(null=True, help_text="the newest, though it was withdrawn since")
    withdrawn = models.BooleanField(default=False, help_text="`unpublished`, and not published since")
    changes = models.JSONField(
        default=dict, db_default={}, help_text="what actions of the time of `updated_at` changed"
    )
    deleted = models.BooleanField(default=False)

    objects: ClassVar = ReleaseManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="release_id")
        ]

    def __str__(self) -> str:
        return self.tag_name


def _fields(release: ReleaseSnapshot) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "tag_name": release.tag_name,
        "target": release.target_commitish or "",
        "name": release.name or "",
        "body": release.body or "",
        "author": release.author.login if release.author else "",
        "draft": bool(release.draft),
        "prerelease": bool(release.prerelease),
        "created_at": release.created_at,
        "published_at": release.published_at,
    }
    if release.updated_at is not None:
        fields["updated_at"] = release.updated_at
    return fields


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge by `updated_at` if the server sends it, else by the times of publication, which GitHub sets.

    `created_at` is the date of a commit, which its author can choose.
    """
    fields = snapshot.fields
    known = (stored["published_at"], stored["last_published_at"]) if stored else ()
    published = _latest(fields["published_at"], *known)
    now = {**(blank if stored is None else stored), "last_published_at": published}
    before = stored["updated_at"] if stored else None
    updated_at = fields.get("updated_at") or _latest(fields["published_at"], before)
    if stored is not None and stored["deleted"]:
        return now
    tied = stored is not None and updated_at == before
    outdated: frozenset[str] = frozenset()
    if stored is not None and not fields["deleted"]:
        repeated = tied and changes.is_repeated(stored, snapshot)
        outdated = changes.outdated(stored, snapshot, TEXTS) if tied else outdated
        # A withdrawal is newer whatever its texts, which an edit of the draft may have replaced.
        older = repeated or (outdated and not (fields["draft"] and snapshot.action == "unpublished"))
        if older or not _is_newer(stored, snapshot):
            marks = changes.after(stored, snapshot, TEXTS, tied=tied, decision=Decision.KEEP)
            row = {**now, "changes": marks, "updated_at": before if "updated_at" in fields else updated_at}
            return row if repeated else changes.follow(stored, snapshot, row)
    withdrawn = snapshot.action == "unpublished" or (fields["draft"] and now["withdrawn"])
    marks = changes.after(stored, snapshot, TEXTS, tied=tied, decision=Decision.APPLY)
    shown = {name: value for name, value in fields.items() if name not in outdated}
    row = {**now, **shown, "changes": marks, "updated_at": updated_at, "withdrawn": withdrawn}
    return changes.follow(stored, snapshot, row) if stored is not None and tied else row


def _is_newer(stored: Row, snapshot: Snapshot) -> bool:
    fields = snapshot.fields
    if snapshot.first:
        return False
    updated_at, published_at = fields.get("updated_at"), fields["published_at"]
    if updated_at is not None and stored["updated_at"] is not None and updated_at != stored["updated_at"]:
        return bool(updated_at > stored["updated_at"])
    if fields["draft"]:
        # A release is a draft before its publication and after its withdrawal.
        return snapshot.action == "unpublished" or stored["draft"]
    if stored["withdrawn"]:
        last = stored["last_published_at"]
        return last is not None and published_at is not None and published_at > last
    if stored["draft"] or published_at != stored["published_at"]:
        return stored["published_at"] is None or published_at is None or published_at > stored["published_at"]
    # The publication itself is older than every later action with the same time.
    announced = snapshot.action in {"published", "prereleased"}
    return not announced and (snapshot.action != "released" or stored["prerelease"])


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


SNAPSHOTS = Snapshots(Release, ("repository_id", "github_id"), _merge)
