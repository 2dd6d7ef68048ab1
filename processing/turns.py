"""Turns: deliveries that a handler with `serialize` wants are taken one at a time, in order of receipt.

A turn belongs to a repository, or to a pull request or issue of it. Who holds one is who has a delivery of
it in `processing`; the rest is a question of who comes next, which is asked under a lock on the turn.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from django.db import connection
from django.db.models import Q, QuerySet

from handlers import Handler
from receiver.models import IN_TURN, Delivery, Status

Turn = tuple[int, int | None]
"""GitHub's id of the repository, and the number of the pull request or issue, which share their numbers."""


class Turns:
    """What the handlers with `serialize` ask for."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._handlers = list(handlers)

    def __bool__(self) -> bool:
        return bool(self._handlers)

    def of(self, row: Delivery) -> frozenset[Turn]:
        """The turns that a delivery has to have. One without a repository has to have none."""
        found: set[Turn] = set()
        for handler in self._handlers:
            if handler.event.event == row.event and (not handler.actions or row.action in handler.actions):
                number = None if handler.serialize == "repository" else row.number
                if row.repository_id is not None and (
                    number is not None or handler.serialize == "repository"
                ):
                    found.add((row.repository_id, number))
        return frozenset(found)

    def admit(self, ids: Collection[int]) -> tuple[dict[int, frozenset[Turn]], list[int]]:
        """Of these deliveries those whose turn it is, with their turns; and those that have to wait for one.

        Nobody else can take a turn of theirs until the transaction ends. To be called before any row is
        locked. Several of one turn may be admitted together, for their worker runs them one after the other.
        """
        self._lock(ids)
        wanted = {row.pk: self.of(row) for row in _free(ids)}
        count = Counter(turn for turns in wanted.values() for turn in turns)
        # For each turn those who come first; nobody where somebody has it.
        queues = {turn: self._first(turn, many) for turn, many in count.items()}
        admitted: dict[int, frozenset[Turn]] = {}
        for pk, turns in wanted.items():
            if all(queues[turn][:1] == [pk] for turn in turns):
                admitted[pk] = turns
                for turn in turns:
                    queues[turn].pop(0)
        return admitted, [pk for pk in wanted if pk not in admitted]

    def _lock(self, ids: Collection[int]) -> None:
        """SQLite has one writer at a time anyway."""
        if connection.vendor != "postgresql":
            return
        rows = Delivery.objects.filter(pk__any=ids).only("event", "action", "repository_id", "number")
        names = {f"{repository}/{number}" for row in rows for repository, number in self.of(row)}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key "
                "FROM unnest(%s::text[]) AS name ORDER BY key) AS keys",
                [list(names)],
            )

    def next(self, turns: Iterable[Turn], many: int) -> list[int]:
        """Ids of the deliveries that come next, up to so many of each turn."""
        found: dict[int, None] = {}
        for turn in turns:
            waiting = self._waiting(turn).filter(status=Status.RECEIVED)
            found.update(dict.fromkeys(waiting.values_list("pk", flat=True)[:many]))
        return list(found)

    def _first(self, turn: Turn, many: int) -> list[int]:
        waiting = self._waiting(turn)
        if waiting.filter(status=Status.PROCESSING).exists():
            return []
        return list(waiting.values_list("pk", flat=True)[:many])

    def _waiting(self, turn: Turn) -> QuerySet[Delivery]:
        """Who has the turn or waits for it, in order of receipt. A retry that is not yet due does not."""
        repository, number = turn
        who = Q(pk=None)
        for handler in self._handlers:
            if (handler.serialize == "repository") == (number is None):
                one = Q(event=handler.event.event)
                who |= one & Q(action__in=handler.actions) if handler.actions else one
        rows = Delivery.objects.filter(IN_TURN, who, repository_id=repository)
        return (rows if number is None else rows.filter(number=number)).order_by("received_at", "pk")


def _free(ids: Collection[int]) -> list[Delivery]:
    """Those of `ids` that may be taken, in the order of receipt, by the rule of `claiming` for one guid."""
    asked = set(ids)
    guids = Delivery.objects.filter(pk__any=ids).values("guid")
    family = Delivery.objects.filter(guid__in=guids).order_by("guid", "hook_id")
    fields = ("guid", "status", "event", "action", "repository_id", "number", "received_at")
    rows = list(family.only(*fields))
    busy = {row.guid for row in rows if row.status == Status.PROCESSING}
    free: list[Delivery] = []
    for row in rows:
        if row.pk in asked and row.status == Status.RECEIVED and row.guid not in busy:
            free.append(row)
            busy.add(row.guid)
    return sorted(free, key=lambda row: (row.received_at, row.pk))
