"""Keyset pages of deliveries, newest first: as quick on page ten thousand as on the first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import QuerySet

from ledger.halves import EVERYTHING, Reach, split
from ledger.keys import Key, key
from receiver.models import Delivery

__all__ = ["SIZE", "Key", "Page", "after", "before", "key", "newest"]

SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries, newest first, and whether there are more on either side of them."""

    rows: Sequence[Any]
    has_newer: bool
    has_older: bool

    @property
    def first(self) -> Key | None:
        """The key of the newest delivery here."""
        return Key(self.rows[0].received_at, self.rows[0].pk) if self.rows else None

    @property
    def last(self) -> Key | None:
        """The key of the oldest delivery here."""
        return Key(self.rows[-1].received_at, self.rows[-1].pk) if self.rows else None


async def newest(
    rows: QuerySet[Delivery], start: Key | None = None, size: int = SIZE, reach: Reach = EVERYTHING
) -> Page:
    """Return the newest deliveries, from `start` on where it is given."""
    found = await _first(rows.filter(start.until) if start else rows, size + 1, reach)
    return Page(found[:size], has_newer=start is not None, has_older=len(found) > size)


async def before(rows: QuerySet[Delivery], end: Key, size: int = SIZE, reach: Reach = EVERYTHING) -> Page:
    """Return the deliveries that come before `end`: the next page."""
    found = await _first(rows.filter(end.older), size + 1, reach)
    return Page(found[:size], has_newer=True, has_older=len(found) > size)


async def after(rows: QuerySet[Delivery], begin: Key, size: int = SIZE) -> Page:
    """Return the deliveries that come after `begin`: the page before."""
    found = await _first(rows.filter(begin.newer), size + 1, EVERYTHING, ascending=True)
    return Page(found[:size][::-1], has_newer=len(found) > size, has_older=True)


async def _first(
    rows: QuerySet[Delivery], most: int, reach: Reach, *, ascending: bool = False
) -> list[Delivery]:
    """Return the first `most` of both halves in their common order."""
    order = ("received_at", "pk") if ascending else ("-received_at", "-pk")
    halves = [half.order_by(*order)[:most] for half in split(rows, reach)]
    # A delivery that is settled between the two statements is in both.
    found = {row.pk: row for row in await sync_to_async(lambda: [*halves[0], *halves[1]])()}
    return sorted(found.values(), key=lambda row: (row.received_at, row.pk), reverse=not ascending)[:most]
