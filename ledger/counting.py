"""Counts that stop at a cap, because an exact count of millions of rows takes seconds."""

from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import QuerySet

from ledger import filters
from ledger.filters import Filter
from ledger.halves import EVERYTHING, Reach, split
from receiver.models import Delivery, HandlerRun

CAP = 100_000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows; `more` is whether there are more than that."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.more else ''}"


async def capped(rows: "QuerySet[Any]", cap: int = CAP) -> Count:
    """Count up to `cap` rows."""
    found = await rows.order_by()[: cap + 1].acount()
    return Count(min(found, cap), more=found > cap)


async def deliveries(rows: QuerySet[Delivery], reach: Reach = EVERYTHING, cap: int = CAP) -> Count:
    """Count up to `cap` deliveries, as far as the reach goes."""
    found = await sync_to_async(_both)([half.order_by()[: cap + 1] for half in split(rows, reach)])
    cut = reach != EVERYTHING or sum(found) > cap
    return Count(min(sum(found), cap), more=cut)


def _both(parts: "list[QuerySet[Delivery]]") -> list[int]:
    """Count both halves in one statement."""
    compiled = [part.values("pk").query.sql_with_params() for part in parts]
    counts = ", ".join(f"(SELECT COUNT(*) FROM ({sql}) AS counted)" for sql, _ in compiled)  # noqa: S608 - our own
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _, values in compiled for value in values])
        return list(cursor.fetchone())


async def chosen(filtered: Filter, reach: Reach = EVERYTHING) -> Count:
    """Count the deliveries of a filter.

    Those of a handler alone are counted in the index of runs: a join of so many takes half a second.
    """
    if filtered.chosen.keys() == {"handler"}:
        runs = HandlerRun.objects.filter(handler=filtered.chosen["handler"])
        return await capped(runs.values("delivery").distinct())
    return await deliveries(filters.deliveries(filtered), reach)
