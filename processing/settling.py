"""Settlement: writes how attempts end, together in one statement, and makes due what waited for them."""

import logging
from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

from django.db import Error, connection, transaction
from django.db.models.functions import Now

import database
from database.row_sets import Row
from processing import ordering, running, statements
from processing.claiming import Claimed
from processing.running import Verdict
from receiver.models import Delivery, Outcome, Status
from telemetry import tracing
from telemetry.counts import HANDLER, SETTLED, counts
from telemetry.events import label

logger = logging.getLogger(__name__)

# Siblings that one statement settles.
SIBLINGS = 1_000
# Statuses after which a delivery's siblings have nothing left to run.
SHARED = frozenset({Status.SUCCEEDED, Status.IGNORED, Status.INVALID})

Ended = tuple[Claimed, Verdict]


class LeaseLostError(Exception):
    """Another worker took the delivery over. Its effects may be repeated, and this end is not written."""


async def settle_all(ended: list[Ended]) -> tuple[list[Exception | None], int]:
    """Write the ends of attempts and their runs; return the error of each and the number of due deliveries.

    An error is a `LeaseLostError` or a `django.db.Error`. A verdict that the database refuses is replaced in
    the list: the attempt failed.
    """
    asked = tracing.now()
    errors = await database.outcomes(_write, ended)
    for place, error in enumerate(errors):
        if error is not None and not isinstance(error, LeaseLostError) and not database.is_outage(error):
            claimed, _ = ended[place]
            logger.error("verdict refused delivery=%s", claimed.delivery, exc_info=error)
            ended[place] = claimed, running.failed(claimed.delivery, error)
            [errors[place]] = await database.outcomes(_write, [ended[place]])
    settled = [one for one, error in zip(ended, errors, strict=True) if error is None]
    for claimed, verdict in settled:
        counts.add(SETTLED, label(claimed.delivery.event), verdict.status.value)
        for run in verdict.runs:
            if run.outcome is not Outcome.SKIPPED:
                counts.observe(HANDLER, run.duration, run.handler, run.outcome.value)
        if asked:
            tracing.spent("settle", claimed.delivery.guid, asked, status=verdict.status)
    awaited = [one for one in settled if one[0].has_siblings or one[0].delivery.ordering_key is not None]
    if not awaited:
        return errors, 0
    try:
        return errors, await database.run(_after, awaited)
    except Error as error:
        logger.warning("siblings or ordering keys not advanced count=%d error=%s", len(awaited), error)
        return errors, 0


def _write(ended: Sequence[Ended]) -> list[LeaseLostError | None]:
    rows: list[Row] = []
    runs: list[Row] = []
    for claimed, verdict in ended:
        pk, guid, claims, worker = claimed.lease
        rows.append((pk, guid.hex, claims, worker, verdict.status, verdict.error, verdict.retry_after))
        runs += [(pk, claims, str(run.started_at), *_RUN_VALUES(run)) for run in verdict.runs]
    if connection.vendor == "postgresql":
        found = statements.execute("settle", parameters(rows, runs))
    else:
        with transaction.atomic():
            found = statements.execute("settle", {"ended": rows})
            statements.execute("runs", {"runs": runs, "settled": found})
    settled = set(found)
    return [
        None
        if (claimed.delivery.id, claimed.delivery.claims) in settled
        else LeaseLostError(f"{claimed.delivery}: its lease has ended")
        for claimed, _ in ended
    ]


# Columns of the rows in `_write`. In `settle.postgresql.sql`, those of a run begin with `run_`.
_ENDED = ("id", "guid", "claims", "worker", "status", "error", "wait")
_RAN = ("handler", "attempt", "trigger", "outcome", "duration", "error", "traceback")
_RUN = tuple(f"run_{name}" for name in ("id", "claims", "started_at", *_RAN))
_RUN_VALUES = attrgetter(*_RAN)


def parameters(ended: Sequence[Row], runs: Sequence[Row]) -> dict[str, Any]:
    """Return the values of each column, as `settle.postgresql.sql` takes them."""
    columns = [*zip(*ended, strict=True), *(zip(*runs, strict=True) if runs else repeat((), len(_RUN)))]
    return dict(zip([*_ENDED, *_RUN], map(list, columns), strict=True))


def _after(ended: Sequence[Ended]) -> int:
    """Settle the siblings, or make them due, and the next of each ordering key; return how many are due.

    Runs after the settlement's commit and may be repeated. Where it does not run, siblings are due
    after five seconds, and `ordering.repair` frees the keys.
    """
    settled = [one.delivery.id for one, verdict in ended if one.has_siblings and verdict.status in SHARED]
    while settled and _settle_siblings(settled) == SIBLINGS:
        continue
    due = ordering.unblock(one.delivery.ordering_key for one, _ in ended)
    # Siblings that were not settled run now: this delivery failed, or they have another payload.
    if guids := [one.delivery.guid for one, _ in ended if one.has_siblings]:
        waiting = Delivery.objects.filter(guid__any=guids, status=Status.RECEIVED)
        due += waiting.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now())
    return due


def _settle_siblings(ids: Sequence[int]) -> int:
    parameters = {"ids": ids, "limit": SIBLINGS}
    if connection.vendor == "postgresql":
        return len(statements.execute("settle_siblings", parameters))
    with transaction.atomic():
        pairs = statements.execute("siblings", parameters)
        statements.execute("settle_siblings", {"pairs": pairs})
        statements.execute("sibling_runs", {"pairs": pairs})
    return len(pairs)
