"""Repositories, keyed on the server and GitHub's numeric id. All other records refer to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction

import database
from database import bulk
from records import account_renames, changes, names
from records.account_renames import Shown
from records.merging import Decision, Row, Snapshot, Watermark
from records.rules import judge
from records.snapshots import Key, Snapshots

if TYPE_CHECKING:
    import schemas


class RepositoryManager(models.Manager["Repository"]):
    """Writes `Repository` rows."""

    async def record(
        self,
        snapshot: schemas.Repository,
        server: str,
        *,
        action: str = "",
        former_owner: str | None = None,
        former_name: str | None = None,
        former_branch: schemas.Former | None = None,
    ) -> tuple[Row, Decision]:
        """Merge a repository as a payload shows it; return its row and the decision.

        `action` is that of a `repository` event. `deleted` leaves a tombstone, which a newer snapshot lifts:
        GitHub can restore a repository with its id, and sends no event for it. The former owner, name and
        default branch are those that the action replaced, as far as `changes` contains them.
        """
        owner, name = names.parts(snapshot.full_name or "")
        replaced = changes.together(
            changes.implied(action),
            changes.replaced("owner", former_owner, owner),
            changes.replaced("name", former_name, name),
            changes.replaced("default_branch", former_branch, snapshot.default_branch or ""),
        )
        former = f"{former_owner or owner}/{former_name or name}" if former_owner or former_name else ""
        # The former owner of a transfer with a new name may be the new one.
        former = "" if former == snapshot.full_name else former
        gone, key = action == "deleted", (server, snapshot.id)
        fields = _fields(snapshot, former, deleted=gone)
        recorded = await SNAPSHOTS.record(
            key, changes.decided(action, fields), action=action, first=action == "created", **replaced
        )
        # Looks after the tombstone is committed, and a push after its own commit: one of them sees the other.
        last = _last_known(fields["updated_at"], fields["pushed_at"])
        if gone and last and (pushed_at := await database.run(_pushed_since, key, last)):
            return await SNAPSHOTS.record(key, {**_fields(snapshot), "pushed_at": pushed_at})
        return recorded

    async def follow_owner(self, server: str, former: str) -> int:
        """Rename the repositories of an account with a new `AccountRename`; return their number.

        GitHub sends no `repository` event for it, and their `updated_at` stays. A payload from before the
        rename that still has the old name does not rename them back.
        """
        return await database.run(_follow_owner, server, former)


class Repository(models.Model):
    """A repository, keyed on GitHub's numeric id: names change with rename and transfer."""

    server = models.CharField(max_length=253, help_text="host, as in github.com")
    github_id = models.BigIntegerField(help_text="unique within the server")
    full_name = models.TextField()
    previous_full_name = models.TextField(blank=True, help_text="before the last rename or transfer")
    previous_seen_at = models.DateTimeField(
        null=True, help_text="GitHub's, of the newest snapshot with that name; null for one that none showed"
    )
    renamed_at = models.DateTimeField(null=True, help_text="GitHub's, of the first snapshot with `full_name`")
    private = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    default_branch = models.TextField(blank=True)
    changes = models.JSONField(
        default=dict, db_default={}, help_text="what actions of the time of `updated_at` changed"
    )
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = RepositoryManager()

    class Meta:
        verbose_name_plural = "repositories"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "github_id"], name="repository_of_server")
        ]

    def __str__(self) -> str:
        return self.full_name


# An action need not move `updated_at`, so payloads from before and after it may have the same time.
# A transfer replaces the owner and a rename the name, so each part of the full name has a chain of its own.
TRACKED = ("owner", "name", "private", "archived", "default_branch")


def _watermark(row: Row) -> Watermark:
    return Watermark(row["updated_at"], ended=row["deleted"])


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    fields = dict(snapshot.fields)
    former, pushed_at = fields.pop("former"), fields.pop("pushed_at", None)
    if stored is not None and _was_pushed_since(stored, pushed_at):
        fields["updated_at"] = max(pushed_at, fields["updated_at"] or pushed_at)
    # A payload whose name cannot be read shows the stored one.
    fields.setdefault("full_name", blank["full_name"] if stored is None else stored["full_name"])
    shown, at = fields["full_name"], fields["updated_at"]
    if stored is None:
        began = changes.after(None, snapshot, TRACKED, tied=False, decision=Decision.APPLY)
        marks = {**began, **_last_push(fields, pushed_at)}
        first = {**blank, **fields, "changes": marks}
        return {**first, **names.composed(first, former, at)}
    acts = former or snapshot.first or snapshot.lost
    if not acts and {**stored, **fields} == stored:  # the common case
        return {**stored, **observed} if (observed := names.observed(stored, shown, at)) else stored
    tied, whole = at == stored["updated_at"], snapshot._replace(fields=_with_parts(fields))
    decision = _judged(stored, whole, blank, tied=tied)
    if at is None:
        fields["updated_at"] = stored["updated_at"]
    if former != stored["full_name"] and names.is_former(stored, shown, at):
        if tied and not fields["deleted"]:
            decision = Decision.KEEP
        fields["full_name"] = stored["full_name"]
    now = dict(stored)
    now["changes"] = changes.after(_with_parts(stored), whole, TRACKED, tied, decision)
    if decision is not Decision.KEEP:
        now |= fields
        now["changes"] |= _last_push(fields, pushed_at)
    if tied or (decision is Decision.KEEP and now != stored):
        now = _at_the_end(stored, whole, now, tied=tied)
    if now["full_name"] != stored["full_name"]:
        now |= names.renamed(stored, at, former)
    now |= names.observed(now, shown, at)
    return {**now, **names.composed(now, former, at)} if shown == now["full_name"] else now


def _last_push(fields: Row, pushed_at: datetime | None) -> dict[str, str]:
    """Return the entry of a tombstone in `changes`: the last time before the deletion."""
    last = _last_known(fields["updated_at"], pushed_at) if fields["deleted"] else None
    return {"pushed_at": last.isoformat()} if last else {}


def _last_known(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _pushed_since(key: Key, last: datetime) -> datetime | None:
    """Return the time of the newest stored push after a deletion: the repository was restored since."""
    server, github_id = key
    rows = Repository.objects.filter(server=server, github_id=github_id, pushes__pushed_at__gt=last)
    found: datetime | None = rows.aggregate(newest=models.Max("pushes__pushed_at"))["newest"]
    return found


def _was_pushed_since(stored: Row, pushed_at: datetime | None) -> bool:
    """Return whether a push was after a deletion.

    GitHub writes the payload of a push before it moves `updated_at`, which may be that of the deletion still.
    """
    last = stored["changes"].get("pushed_at") if stored["deleted"] else None
    return last is not None and pushed_at is not None and pushed_at > datetime.fromisoformat(last)


def _judged(stored: Row, snapshot: Snapshot, blank: Row, *, tied: bool) -> Decision:
    """Return the decision about a snapshot, whose fields have the parts of the full name."""
    deleted = snapshot.fields["deleted"]
    if snapshot.fields["updated_at"] is None and stored["updated_at"] is not None:
        return Decision.APPLY if deleted else Decision.KEEP
    if tied and not deleted and changes.outdated(_with_parts(stored), snapshot, TRACKED):
        return Decision.KEEP
    # Nothing but a restored repository is newer than a tombstone, whatever the action.
    begins = snapshot.first and not stored["deleted"]
    return judge(stored, snapshot._replace(first=begins), blank, _watermark)


def _with_parts(row: Row) -> Row:
    """Return the fields with the parts of the full name."""
    return {**row, **dict(zip(("owner", "name"), names.parts(row["full_name"]), strict=True))}


def _at_the_end(stored: Row, snapshot: Snapshot, now: Row, *, tied: bool) -> dict[str, Any]:
    """Return `now` with the change of the action, and the ends of the chains of its time."""
    row = dict(changes.completed(_with_parts(stored), snapshot, _with_parts(now), TRACKED, tied=tied))
    row["full_name"] = names.whole(row.pop("owner"), row.pop("name"))
    return row


class RepositorySnapshots(Snapshots):
    """Snapshots of repositories, corrected by renames of their owners."""

    _corrects = True

    def _correct(
        self, stored: dict[Key, Row], ends: dict[Key, tuple[Row, list[Decision]]], changed: list[Key]
    ) -> None:
        shown = self._named(stored, ends, changed)
        present = account_renames.present(set(shown.values())) if shown else {}
        renamed = []
        for key, one in shown.items():
            if one in present:
                row, decisions = ends[key]
                row = {**row, **names.of_renamed_owner(row, present[one])}
                ends[key] = (row, decisions)
                renamed.append((row["id"], *(row[name] for name in names.FIELDS)))
        bulk.update(Repository, ("id",), names.FIELDS, renamed)

    def _committed(
        self, stored: dict[Key, Row], ends: dict[Key, tuple[Row, list[Decision]]], changed: list[Key]
    ) -> None:
        # A rename in another transaction saw no row of this one, nor this one that rename. Both look again
        # after their commit, so one of them sees the other.
        shown = self._named(stored, ends, changed)
        for one in account_renames.present(set(shown.values())) if shown else ():
            _follow_owner(one.server, one.login)

    def _named(
        self, stored: dict[Key, Row], ends: dict[Key, tuple[Row, list[Decision]]], changed: list[Key]
    ) -> dict[Key, Shown]:
        """Return the owners of the rows that are new or have a new name."""
        new = [
            key
            for key in changed
            if key not in stored or stored[key]["full_name"] != ends[key][0]["full_name"]
        ]
        return {
            key: Shown(row["server"], names.owner(row["full_name"]), row["updated_at"])
            for key in new
            for row, _ in [ends[key]]
        }


SNAPSHOTS = RepositorySnapshots(Repository, ("server", "github_id"), _merge)


async def upsert(snapshot: schemas.Repository, server: str) -> int:
    """Insert or update the repository of a payload; return its primary key.

    A snapshot that changes nothing takes no lock.
    """
    row, _ = await SNAPSHOTS.record((server, snapshot.id), _fields(snapshot))
    return int(row["id"])


def _fields(snapshot: schemas.Repository, former: str = "", *, deleted: bool = False) -> dict[str, Any]:
    return {
        "full_name": snapshot.full_name,
        "private": snapshot.private,
        "archived": snapshot.archived,
        "default_branch": snapshot.default_branch,
        "deleted": deleted,
        "updated_at": snapshot.updated_at,
        "former": former,
        "pushed_at": getattr(snapshot, "pushed_at", None),
    }


@transaction.atomic
def _follow_owner(server: str, former: str) -> int:
    # All writers lock rows in the order of the key, so they cannot deadlock.
    rows = Repository.objects.select_for_update(no_key=True).order_by("server", "github_id")
    shown = {
        row: Shown(server, former, _last_known(row.updated_at, row.renamed_at))
        for row in rows.filter(server=server, full_name__startswith=f"{former}/")
        if names.owner(row.full_name) == former  # SQLite compares without regard to case
    }
    present = account_renames.present(set(shown.values()))
    renamed = [
        (row.pk, *names.of_renamed_owner(row.__dict__, present[one]).values())
        for row, one in shown.items()
        if one in present
    ]
    bulk.update(Repository, ("id",), names.FIELDS, renamed)
    return len(renamed)
