"""Retention: the stages in which settled deliveries are pruned, and the rows that each has to prune now.

A stage goes through the deliveries in the order of their settlement. An open delivery has no time of
settlement, so no stage reaches it. A delivery that is settled again has a new one, so no stage misses it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import zstandard
from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from database import row_sets
from ledger.models import AggregatedUntil
from receiver.models import OPEN, Delivery, digest_of


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of pruning: the condition of the deliveries that it has left, and its statements."""

    name: str
    """Also the name of its parameter: days after the settlement."""
    left: Q
    statements: Sequence[str]
    """Each takes the ids in place of `{ids}`."""

    def rows(self, since: datetime | None, before: datetime) -> QuerySet[Delivery]:
        """Return the rows left to prune that were settled in this time, in the order of settlement."""
        rows = Delivery.objects.filter(self.left, ~Q(status__in=OPEN), finished_at__lt=before)
        rows = rows.order_by("finished_at")
        return rows if since is None else rows.filter(finished_at__gte=since)

    def prune(self, ids: Sequence[int]) -> None:
        """Prune these deliveries, whose rows are locked."""
        _fill_digests(ids)
        for statement in self.statements:
            _execute(statement, ids)


STAGES = (
    Stage(
        "bodies",
        Q(body__isnull=False),
        (
            "UPDATE receiver_handlerrun SET traceback = '' WHERE delivery_id {ids} AND traceback <> ''",
            "UPDATE receiver_delivery SET body = NULL WHERE id {ids}",
        ),
    ),
    Stage(
        "deliveries",
        Q(only_key=False),
        (
            "DELETE FROM receiver_handlerrun WHERE delivery_id {ids}",
            "DELETE FROM ledger_replay WHERE delivery_id {ids}",
            """
            UPDATE receiver_delivery SET only_key = true, body = NULL, headers = '{{}}', error = '',
                action = '', repository_id = NULL, repository = '', sender = '', installation_id = NULL,
                number = NULL, ordering_key = NULL, worker = '', redelivered_at = '[]', address = ''
            WHERE id {ids}
            """,
        ),
    ),
    Stage("keys", Q(only_key=True), ("DELETE FROM receiver_delivery WHERE id {ids}",)),
)


def parameters() -> dict[str, float]:
    """Return the days of each stage that the settings ask for, as parameters of an operation."""
    days = {
        "bodies": settings.KEEP_BODIES,
        "deliveries": settings.KEEP_DELIVERIES,
        "keys": settings.KEEP_KEYS,
    }
    return {name: value for name, value in days.items() if value}


def horizon(
    stage: Stage, limits: Mapping[str, float], at: datetime, marks: Mapping[str, str]
) -> datetime | None:
    """Return the time of settlement before which a stage prunes; None where it prunes nothing.

    `marks` are the times that the stages have reached. A key is pruned only after its delivery, and a
    delivery once the statistics have counted it.
    """
    if stage.name not in limits:
        return None
    found = at - timedelta(days=limits[stage.name])
    if stage.name == "deliveries":
        counted = AggregatedUntil.objects.values_list("at", flat=True).first()
        return None if counted is None else min(found, counted)
    if stage.name == "keys":
        gone = marks.get("deliveries")
        return None if gone is None else min(found, datetime.fromisoformat(gone))
    return found


def due(limits: Mapping[str, float], at: datetime, marks: Mapping[str, str]) -> dict[str, QuerySet[Delivery]]:
    """Return the rows that each stage has to prune now."""
    found = {}
    for stage in STAGES:
        before = horizon(stage, limits, at, marks)
        if before is not None:
            mark = marks.get(stage.name)
            found[stage.name] = stage.rows(None if mark is None else datetime.fromisoformat(mark), before)
    return found


def _execute(statement: str, ids: Sequence[int]) -> list[row_sets.Row]:
    if connection.vendor == "postgresql":
        return row_sets.execute(statement.format(ids="= ANY(%s::bigint[])"), [list(ids)])
    return row_sets.execute(statement.format(ids="IN (SELECT value FROM json_each(%s))"), [json.dumps(ids)])


def _fill_digests(ids: Sequence[int]) -> None:
    """Write digest and size of deliveries of version 0.1, which their bodies alone identify until now."""
    without = "SELECT id FROM receiver_delivery WHERE digest IS NULL AND body IS NOT NULL AND id {ids}"
    for (pk,) in _execute(without, ids):
        try:
            body = Delivery.objects.values_list("body", flat=True).get(pk=pk) or b""
        except zstandard.ZstdError:  # a damaged body equals no other
            continue
        Delivery.objects.filter(pk=pk).update(digest=digest_of(body), size=len(body))
