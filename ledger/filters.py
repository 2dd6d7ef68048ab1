"""Filters of deliveries: from the parameters of a URL to a condition, and back to a URL."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from ledger.models import Replay
from receiver.models import Delivery, HandlerRun, Status

# The source of deliveries that came to /webhooks/github; no other source can be called so.
NO_SOURCE = "-"
# PostgreSQL's largest bigint.
LARGEST_ID = 2**63 - 1
# PostgreSQL stores neither NUL nor a lone surrogate in a text.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST_VALUE = 1_000  # characters; a repository has at most 140, and PostgreSQL's index entries 2,700 bytes
# Words of an error: SQLite refuses an expression of 1,000 parts, and each word is a search of its own.
MOST_WORDS = 30
# The newest deliveries of one replay, which are read or counted. All of a million would take seconds.
MAX_REPLAYED = 100_000
_AGO = re.compile(r"([0-9]{1,5})([mhd])")


class InvalidFilterError(ValueError):
    """A parameter cannot be a filter; the message says what it must be."""

    def __init__(self, name: str, must: str) -> None:
        super().__init__(f"{name} must be {must}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Filter:
    """The chosen values as text by name, and the condition that they make."""

    chosen: Mapping[str, str]
    condition: Q

    def __bool__(self) -> bool:
        return bool(self.chosen)

    @property
    def query(self) -> str:
        """The filter as the query of a URL."""
        return urlencode(self.chosen)

    def adding(self, name: str, value: str) -> str:
        """Return the query of this filter with one value added or replaced."""
        return urlencode({**self.chosen, name: value})

    def without(self, name: str) -> str:
        """Return the query of this filter with one name removed."""
        return urlencode({key: value for key, value in self.chosen.items() if key != name})


def parse(parameters: Mapping[str, str], now: datetime) -> Filter:
    """Return the filter of a URL's parameters; other parameters and empty ones are left out.

    Raises `InvalidFilterError`. Times are ISO 8601, UTC where they name no offset, or so long before `now`:
    `15m`, `24h`, `7d`.
    """
    chosen = {name: parameters[name].strip() for name in CONDITIONS if parameters.get(name, "").strip()}
    for name, value in chosen.items():
        if _UNSTORABLE.search(value):
            raise InvalidFilterError(name, "text that a database can store")
        if len(value) > LONGEST_VALUE:
            raise InvalidFilterError(name, f"at most {LONGEST_VALUE} characters")
    condition = Q()
    for name, value in chosen.items():
        condition &= CONDITIONS[name](value, now)
    return Filter(chosen, condition)


def exact(values: Mapping[str, str], now: datetime) -> Filter:
    """Return the filter of all of these values. Raises `InvalidFilterError`, also for a blank one.

    `parse` leaves out a blank one, as forms send them. A program or a command that names one would then
    choose everything.
    """
    for name, value in values.items():
        if not value.strip():
            raise InvalidFilterError(name, "a text that is not blank")
    return parse(values, now)


def _status(value: str, _now: datetime) -> Q:
    if value not in Status.values:
        raise InvalidFilterError("status", "one of " + ", ".join(Status.values))
    # The second condition is that of an index, which SQLite must read to use it.
    return Q(status=value) if value == Status.SUCCEEDED else Q(status=value) & ~Q(status=Status.SUCCEEDED)


def _text(column: str) -> Callable[[str, datetime], Q]:
    return lambda value, _now: Q(**{column: value})


def in_any_case(column: str, name: str) -> Q:
    """Return the condition that a column is a name of GitHub, which are the same in any case.

    The indexes of repositories hold the same expression.
    """
    return Q(Exact(Lower(column), Lower(Value(name))))


def _number(name: str, column: str) -> Callable[[str, datetime], Q]:
    def condition(value: str, _now: datetime) -> Q:
        if not re.fullmatch(r"[0-9]{1,19}", value) or int(value) > LARGEST_ID:
            raise InvalidFilterError(name, "a number")
        return Q(**{column: int(value)})

    return condition


def _source(value: str, _now: datetime) -> Q:
    return Q(source="") if value == NO_SOURCE else Q(source=value.lower()) & ~Q(source="")


def _guid(value: str, _now: datetime) -> Q:
    try:
        return Q(guid=UUID(value))
    except ValueError:
        raise InvalidFilterError("guid", "a GUID, as in X-GitHub-Delivery") from None


def _handler(value: str, _now: datetime) -> Q:
    return Q(Exists(HandlerRun.objects.filter(delivery=OuterRef("pk"), handler=value)))


def _operation(value: str, now: datetime) -> Q:
    _number("operation", "pk")(value, now)
    return replayed(int(value))


def replayed(operation: int) -> Q:
    """Return the condition of the newest deliveries that a replay made due, of one more than are shown."""
    rows = Replay.objects.filter(operation=operation).order_by("-delivery_id")
    return Q(pk__any=rows.values("delivery")[: MAX_REPLAYED + 1])


def _error(value: str, _now: datetime) -> Q:
    """Return the condition that an error has every word, in any case and order."""
    words = value.split()
    if len(words) > MOST_WORDS:
        raise InvalidFilterError("error", f"at most {MOST_WORDS} words")
    return reduce(Q.__and__, (Q(error__icontains=word) for word in words), ~Q(error=""))


def _time(name: str, lookup: str) -> Callable[[str, datetime], Q]:
    return lambda value, now: Q(**{lookup: moment(name, value, now)})


def moment(name: str, value: str, now: datetime) -> datetime:
    """Return the time that a filter names. Raises `InvalidFilterError`."""
    try:
        if ago := _AGO.fullmatch(value):
            return now - int(ago[1]) * _UNITS[ago[2]]
        # RFC 3339 allows t and z. The pages show times with their zone.
        found = datetime.fromisoformat(value.upper().removesuffix(" UTC"))
        # Astimezone also refuses years that no database stores with every offset.
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidFilterError(name, "a time, as 2026-01-31T12:00 or 24h") from None


CONDITIONS: dict[str, Callable[[str, datetime], Q]] = {
    "status": _status,
    "event": _text("event"),
    "action": _text("action"),
    "repository": lambda value, _now: in_any_case("repository", value),
    "number": _number("number", "number"),
    "sender": _text("sender"),
    "source": _source,
    "hook": _number("hook", "hook_id"),
    "guid": _guid,
    "handler": _handler,
    "operation": _operation,
    "error": _error,
    "since": _time("since", "received_at__gte"),
    "until": _time("until", "received_at__lt"),
}
"""Each filter's name in a URL, in the order in which pages show them."""


def deliveries(chosen: Filter) -> QuerySet[Delivery]:
    """Return the deliveries that the filter chooses."""
    return Delivery.objects.filter(chosen.condition)
