"""The place of a delivery in the order of receipt, as a URL holds it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

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
    def since(self) -> Q:
        """The condition for this delivery and everything after it."""
        return Q(received_at__gte=self.received_at) & (
            Q(received_at__gt=self.received_at) | Q(received_at=self.received_at, id__gte=self.id)
        )

    @property
    def until(self) -> Q:
        """The condition for this delivery and everything before it."""
        return Q(received_at__lte=self.received_at) & (
            Q(received_at__lt=self.received_at) | Q(received_at=self.received_at, id__lte=self.id)
        )


def key(text: str) -> Key | None:
    """Return the key that a URL holds, and None for a text that is none."""
    match = _KEY.fullmatch(text)
    try:
        return Key(_EPOCH + int(match[1]) * _MICROSECOND, int(match[2])) if match else None
    except OverflowError:
        return None
