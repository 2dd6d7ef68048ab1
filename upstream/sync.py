"""The operation `sync`: reads the present state of a repository from GitHub's API into the records.

Its parameters are `repository`, as owner/name, and `since`, an ISO 8601 time or null. The cursor holds where
each part is, so a stopped sync continues there, and a page that was written is at most written once more.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

import database
import schemas
from ledger.models import Operation
from ledger.operations import Progress
from records import repositories
from upstream import conversions, missing
from upstream.client import Client
from upstream.errors import LimitedError, UnexpectedAnswerError, UnreachableError, UpstreamError
from upstream.parts import BRANCHES_PART, COMMITS, COMPLETE_AFTER, PARTS, Item, Scope, Step
from upstream.trails import Trail

logger = logging.getLogger(__name__)

# Times that a page is tried again after an outage, and seconds before the first of them; doubled each time.
RETRIES = 4
RETRY_AFTER = 5.0


@dataclass(slots=True)
class Cursor:
    """Where a sync is."""

    repository: int = 0
    """Primary key; 0 before the repository was read."""
    full_name: str = ""
    """The present one."""
    read_at: str | None = None
    open: dict[str, str] = field(default_factory=dict)
    """The position of each part that is not at its end, by name; empty at its begin."""
    tries: dict[str, int] = field(default_factory=dict)
    """Outages in a row, by part; the repository's are those of ""."""
    trails: dict[str, Sequence[Any]] = field(default_factory=dict)
    """The values of `Trail`, by part."""

    def as_json(self) -> dict[str, Any]:
        """Return the arguments of `Cursor(**...)`."""
        return {name: getattr(self, name) for name in self.__slots__}


class Sync:
    """Runs the portions of operations; `client` is one of `upstream.client.for_operations`."""

    def __init__(self, client: Client, retry_after: float = RETRY_AFTER) -> None:
        self.client = client
        self._retry_after = retry_after

    async def portion(self, operation: Operation) -> Progress:
        """Do a step of each part that is left, at the same time; see `processing.operation_runner`.

        A part that fails is reported, and the others go on. Raises an `UpstreamError` if the repository
        itself cannot be read.
        """
        cursor = Cursor(**(operation.cursor or {}))
        if (seconds := await database.run(missing.paused, missing.API)) > 0:
            return Progress(operation.cursor, wait=seconds)
        if not cursor.repository:
            return await self._begin(operation.parameters, cursor)
        scope = _scope(operation.parameters, cursor)
        steps = [part for part in PARTS if part.name in cursor.open and not _waits(part, cursor)]
        found = await asyncio.gather(
            *(part.step(self.client, scope, cursor.open[part.name]) for part in steps),
            return_exceptions=True,
        )
        done, failures, wait = 0, Counter[str](), 0.0
        for part, one in zip(steps, found, strict=True):
            outage = one.outage if isinstance(one, Step) else one
            if pause := await self._pause(cursor, part.name, outage):
                wait = max(wait, pause)
            elif isinstance(one, Step):
                done += one.done
                failures.update({f"{part.name}: {why}": n for why, n in (one.failures or {}).items()})
                try:
                    _move(cursor, part.name, one.next)
                except UnexpectedAnswerError as error:
                    failures[f"{part.name}: {error}"] += 1
                    _move(cursor, part.name, None)
            elif isinstance(one, UpstreamError):
                logger.warning("sync part failed repository=%s part=%s", cursor.full_name, part.name)
                failures[f"{part.name}: {one}"] += 1
                _move(cursor, part.name, None)
            else:
                raise one
        return Progress(cursor.as_json(), done, failures, finished=not cursor.open, wait=wait)

    async def _begin(self, parameters: Mapping[str, Any], cursor: Cursor) -> Progress:
        """Read the repository, which all other records refer to."""
        owner, _, name = parameters["repository"].partition("/")
        try:
            item, date = await self.client.dated("/repos/{owner}/{name}", Item, owner=owner, name=name)
        except UpstreamError as error:
            if pause := await self._pause(cursor, "", error):
                return Progress(cursor.as_json(), wait=pause)
            raise
        try:
            read = conversions.repository(item.fields)
        except ValidationError:
            raise UnexpectedAnswerError("GitHub's answer shows no repository, or has no id of it") from None
        owner, _, name = (read.full_name or "").partition("/")
        if not owner or not name:
            raise UnexpectedAnswerError("GitHub's answer has no name of the repository")
        server = schemas.server_of(schemas.links_of({"repository": item.fields}), {})
        cursor.repository = await repositories.upsert(read, server)
        cursor.full_name = f"{owner}/{name}"
        if read.pushed_at is not None:
            # A lower limit suffices: a later push has a delivery of its own.
            shown = (date or read.pushed_at) - COMPLETE_AFTER
            cursor.read_at = min(read.pushed_at, shown).isoformat()
        cursor.open = {part.name: "" for part in PARTS}
        return Progress(cursor.as_json(), done=1)

    async def _pause(self, cursor: Cursor, part: str, error: object) -> float:
        """Return the seconds until a step that met a limit or an outage is repeated; 0 if it is not."""
        if isinstance(error, LimitedError):
            return await database.run(missing.note_limit, error.seconds)
        tries = cursor.tries.get(part, 0)
        if not isinstance(error, UnreachableError) or tries >= RETRIES:
            return 0.0
        cursor.tries[part] = tries + 1
        return self._retry_after * float(2**tries)


def _scope(parameters: Mapping[str, Any], cursor: Cursor) -> Scope:
    owner, _, name = cursor.full_name.partition("/")
    read_at, since = (
        datetime.fromisoformat(text) if text else None for text in (cursor.read_at, parameters.get("since"))
    )
    return Scope(cursor.repository, owner, name, read_at, since)


def _waits(part: object, cursor: Cursor) -> bool:
    """Return whether a part needs another one first: the branches, for their commits."""
    return part is COMMITS and BRANCHES_PART.name in cursor.open


def _move(cursor: Cursor, part: str, position: str | None) -> None:
    """Note where a part continues. Raises `UnexpectedAnswerError` if its pages lead in a circle."""
    cursor.tries.pop(part, None)
    if position is None:
        del cursor.open[part]
    else:
        cursor.trails[part] = Trail(*cursor.trails.get(part, ())).to(position)
        cursor.open[part] = position
