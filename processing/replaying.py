"""Replay: an operator runs stored deliveries again, through the workers or in the foreground."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from django.db import transaction

import database
from processing import claiming
from processing.batch import Processor
from processing.settling import Verdict
from receiver.models import Delivery, Status, Trigger

Found = tuple[str, Trigger, int]

# Long enough to sit in a debugger; it ends with the replay that holds it.
INLINE_LEASE = timedelta(days=1)


@transaction.atomic
def reopen(ids: Sequence[int]) -> list[Found]:
    """Make deliveries ready to be processed again; gives what to wake, without what a worker holds."""
    Delivery.objects.reopen(ids)
    rows = Delivery.objects.filter(status=Status.RECEIVED, pk__any=ids).order_by("pk")
    return [(event, Trigger.REPLAY, pk) for pk, event in rows.values_list("pk", "event")]


async def inline(processor: Processor, ids: Sequence[int]) -> AsyncIterator[tuple[Verdict, str]]:
    """Run deliveries here and now, one after the other, each handler without a time limit.

    Gives each one's verdict and its line for people, and nothing for one that a worker holds. Left early,
    by Ctrl-C or by an error, it gives back what it has not settled.
    """
    for pk in ids:
        await database.run(reopen, [pk])
        turns = processor.turns or None
        portion = await database.run(claiming.claim, [pk], processor.worker, INLINE_LEASE, turns)
        for claimed in portion.claims:
            settled = False
            try:
                result = await processor.attempt(claimed, Trigger.REPLAY, limited=False)
                settled = True
            finally:
                if not settled:
                    await database.run(claiming.release, [claimed.lease])
            yield result
