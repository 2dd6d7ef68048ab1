"""Starts recoveries by itself: every `RECOVER_EVERY` seconds, and soon after a receiver was away.

A receiver was away when it started, or when it refused deliveries for a reason of its own.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db.models import Max, Q

import database
from database import row_sets
from ledger import background, operations
from ledger.models import Kind, Operation, State
from receiver.models import Reason, Rejection, Resumption
from upstream.models import OPEN, Missed

logger = logging.getLogger(__name__)

REQUESTED_BY = "automatic"
# Seconds between two looks whether a recovery is due.
LOOK_EVERY = 1.0
# A receiver notes its start before it listens, and GitHub may wait ten seconds for a host that is away. So
# a first recovery begins a few seconds after the note, and a second one follows.
FIRST_AFTER = timedelta(seconds=5)
SECOND_AFTER = timedelta(seconds=15)
# Reasons of rejections that say nothing about the sender.
OWN_REASONS = (Reason.STORE_DOWN, Reason.BUSY, Reason.TOO_SLOW)
# Time for which notes of receivers are kept.
NOTES_KEPT_FOR = timedelta(days=1)
# Time for which missed deliveries are kept once they arrived or were lost. GitHub lists none that old.
MISSED_KEPT_FOR = timedelta(days=90)


async def run() -> None:
    """Start recoveries, until cancelled."""
    await background.repeat(
        partial(database.run, start_if_due),
        LOOK_EVERY,
        lambda error: logger.error("automatic recovery not started error=%s", error),
    )


def start_if_due() -> Operation | None:
    """Queue a recovery of all hooks if one is due; return it. Raises `django.db.Error`."""
    automatic = Operation.objects.filter(kind=Kind.RECOVER, requested_by=REQUESTED_BY)
    last = automatic.order_by("-pk").first()
    now = row_sets.clock()
    if last is not None:
        if last.state in {State.QUEUED, State.RUNNING}:
            return None
        if now < last.created_at + timedelta(seconds=settings.RECOVER_EVERY) and not _was_away(
            last.created_at, now
        ):
            return None
    # The key is the same in all workers, so only one of them starts it.
    key = uuid5(NAMESPACE_URL, f"hookkeeper:recover:{last.pk if last else 0}")
    operation = operations.create(Kind.RECOVER, {}, REQUESTED_BY, key=key)
    if last is not None:
        # The audit log keeps recoveries that found something, and the newest of those that failed alike.
        idle = automatic.filter(pk__lte=last.pk, state=State.FINISHED, done=0, estimated=0)
        idle.filter(Q(failed=0) | Q(pk__lt=last.pk, failures=last.failures)).delete()
    Resumption.objects.filter(at__lt=now - NOTES_KEPT_FOR).delete()
    Missed.objects.filter(found_at__lt=now - MISSED_KEPT_FOR).exclude(OPEN).delete()
    return operation


def _was_away(last: datetime, now: datetime) -> bool:
    """Return whether a receiver came back, and the last recovery began too early to cover all it missed."""
    resumed = Resumption.objects.aggregate(at=Max("at"))["at"]
    refused = Rejection.objects.filter(reason__in=OWN_REASONS).aggregate(at=Max("at"))["at"]
    back = max((at for at in (resumed, refused) if at is not None), default=None)
    if back is None or now < back + FIRST_AFTER:
        return False
    # Due if none began after `FIRST_AFTER`, and once more if none began after `SECOND_AFTER`.
    return bool(last < back + FIRST_AFTER or last < back + SECOND_AFTER <= now)
