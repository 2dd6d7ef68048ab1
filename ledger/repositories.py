"""Reads the parts of one repository at the same time. A part that fails does not affect the others."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import Error

import database
from ledger.models import Kind, Operation
from records.models import Repository

# Rows of one part.
ROWS = 20
# Newest syncs of all repositories, among which those of one are searched.
MAX_SYNCS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one kind of record, `ROWS` of them at most."""

    name: str
    title: str
    accessor: str
    columns: Sequence[str]
    order: str
    only: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    """The console's page of the record that the first column names."""


@dataclass(frozen=True, slots=True)
class Read:
    """The rows of a part, in the order of its columns; None if they could not be read."""

    part: Part
    rows: Sequence[tuple[Any, ...]] | None


PARTS = (
    Part(
        "pulls", "Open pull requests", "pull_requests",
        ("number", "title", "author", "head_ref", "updated_at"), "-number", {"state": "open"}, "pulls",
    ),
    Part(
        "issues", "Open issues", "issues", ("number", "title", "author", "updated_at"), "-number",
        {"state": "open", "deleted": False}, "issues",
    ),
    Part("refs", "Branches and tags", "refs", ("name", "head_sha", "pushed_at"), "name", {"deleted": False}),
    Part("pushes", "Newest pushes", "pushes", ("after", "ref", "pusher", "pushed_at"), "-pk", {}, "commits"),
    Part(
        "runs", "Newest runs", "workflowrun_set", ("name", "head_branch", "conclusion", "updated_at"), "-pk"
    ),
    Part(
        "releases", "Newest releases", "release_set", ("tag_name", "name", "author", "published_at"), "-pk"
    ),
    Part("hooks", "Hooks", "hooks", ("hook_id", "events", "active", "last_ping_at"), "hook_id"),
)  # fmt: skip


async def read(repository: Repository) -> list[Read]:
    """Read all parts concurrently."""
    found = await asyncio.gather(
        *(database.run(_rows, repository, part) for part in PARTS), return_exceptions=True
    )
    parts = []
    for part, rows in zip(PARTS, found, strict=True):
        if isinstance(rows, BaseException) and not isinstance(rows, Error):
            raise rows
        parts.append(Read(part, None if isinstance(rows, BaseException) else rows))
    return parts


def newest_sync(repository: Repository) -> Operation | None:
    """Return the newest sync of a repository with GitHub. Raises `django.db.Error`."""
    rows = Operation.objects.filter(kind=Kind.SYNC).order_by("-pk")[:MAX_SYNCS]
    return next((row for row in rows if is_sync_of(row, repository)), None)


def is_sync_of(operation: Operation, repository: Repository) -> bool:
    """Return whether a sync is of this repository: as GitHub answered, and before that by its name."""
    if answered := (operation.cursor or {}).get("repository"):
        return bool(answered == repository.pk)
    return str(operation.parameters.get("repository")).lower() == repository.full_name.lower()


def _rows(repository: Repository, part: Part) -> list[tuple[Any, ...]]:
    rows = getattr(repository, part.accessor).filter(**part.only).order_by(part.order)
    return list(rows.values_list(*part.columns)[:ROWS])
