"""The state of the ledger in numbers, for metrics. Each is bounded: above `CAP` it is `CAP` plus one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Sum

from database import row_sets
from ledger.counting import CAP
from ledger.models import Kind, Operation, State
from receiver.models import UNSUCCESSFUL, WAITING, Delivery, RejectionCount, Status


def deliveries() -> dict[str, int]:
    """Return the numbers of open and of dead deliveries by status. The others are too many to count."""
    rows, unsuccessful = Delivery.objects.order_by(), Delivery.objects.filter(UNSUCCESSFUL).order_by()
    statuses = {
        Status.RECEIVED: rows, Status.RETRYING: rows, Status.PROCESSING: rows, Status.DEAD: unsuccessful,
    }  # fmt: skip
    return {
        status.value: found.filter(status=status)[: CAP + 1].count() for status, found in statuses.items()
    }


def oldest_waiting() -> float:
    """Return for how many seconds the delivery waits that has been due longest; 0 if none is due.

    A retry is due at its time, and a replay when it was asked for, however old the delivery is.
    """
    waiting = Delivery.objects.filter(WAITING, next_attempt_at__isnull=False).order_by("next_attempt_at")
    due: datetime | None = waiting.values_list("next_attempt_at", flat=True).first()
    return max(0.0, (row_sets.clock() - due).total_seconds()) if due else 0.0


def rejections() -> dict[str, int]:
    """Return the numbers of rejections by reason."""
    return dict(RejectionCount.objects.values_list("reason").annotate(total=Sum("count")))


def operations() -> dict[tuple[str, str], int]:
    """Return the numbers of the newest operations by kind and state, those that are zero too."""
    found = grouped(Operation.objects.order_by("-pk"), ("kind", "state"))
    return {(kind, state): found.get((kind, state), 0) for kind in Kind.values for state in State.values}


def grouped(rows: "models.QuerySet[Any]", columns: Iterable[str]) -> Mapping[tuple[Any, ...], int]:
    """Count the first rows by the values of these columns."""
    names = ", ".join(columns)
    sql, parameters = rows.values(*names.split(", "))[: CAP + 1].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {names}, COUNT(*) FROM ({sql}) AS counted GROUP BY {names}",  # noqa: S608 - our own
            parameters,
        )
        return {tuple(values): number for *values, number in cursor.fetchall()}
