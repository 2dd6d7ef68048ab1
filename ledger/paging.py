"""Keyset pages of deliveries, newest first: as quick on page ten thousand as on the first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from receiver.models import Delivery

SIZE = 50
_KEY = re.compile(r"([0-9]{1,17})-([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Key:
    """A delivery's place in the order of receipt; deliveries of one moment are in the order of their ids."""

    received_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.received_at - _EPOCH) // _MICROSECOND}-{self.id}"

    @property
    def older(self) -> Q:
        """The condition for everything before this delivery."""
        # The first part repeats the second for the sake of the index.
        return Q(received_at__lte=self.received_at) & (
            Q(received_at__lt=self.received_at) | Q(received_at=self.received_at, id__lt=self.id)
        )

    @property
    def newer(self) -> Q:
        """The condition for everything after this delivery."""
        return Q(received_at__gte=self.received_at) & (
            Q(received_at__gt=self.received_at) | Q(received_at=self.received_at, id__gt=self.id)
        )

    @property
    def itself(self) -> Q:
        """The condition for this delivery alone."""
        return Q(pk=self.id)


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


def key(text: str) -> Key | None:
    """Return the key that a URL holds, and None for a text that is none."""
    match = _KEY.fullmatch(text)
    try:
        return Key(_EPOCH + int(match[1]) * _MICROSECOND, int(match[2])) if match else None
    except OverflowError:
        return None


async def newest(rows: QuerySet[Delivery], start: Key | None = None, size: int = SIZE) -> Page:
    """Return the newest deliveries, from `start` on where it is given."""
    chosen = rows.filter(start.older | start.itself) if start else rows
    found = [row async for row in _descending(chosen)[: size + 1]]
    return Page(found[:size], has_newer=start is not None, has_older=len(found) > size)


async def before(rows: QuerySet[Delivery], end: Key, size: int = SIZE) -> Page:
    """Return the deliveries that come before `end`: the next page."""
    found = [row async for row in _descending(rows.filter(end.older))[: size + 1]]
    return Page(found[:size], has_newer=True, has_older=len(found) > size)


async def after(rows: QuerySet[Delivery], begin: Key, size: int = SIZE) -> Page:
    """Return the deliveries that come after `begin`: the page before."""
    ascending = rows.filter(begin.newer).order_by("received_at", "pk")
    found = [row async for row in ascending[: size + 1]]
    return Page(found[:size][::-1], has_newer=len(found) > size, has_older=True)


def _descending(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return rows.order_by("-received_at", "-pk")
