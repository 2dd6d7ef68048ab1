"""The sweep: finds what no wake-up will bring, and has it processed.

That is what was committed and never enqueued, what is due again, and what a lost worker left behind. The
worker that found it begins it, past Redis: neither a full queue nor a Redis that is away can starve it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from django.db import Error, models, transaction
from django.db.models.functions import Greatest, Now

import database
from receiver.models import WAITING, Delivery, Status, Trigger, after

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds
PORTION = 100
# Who found a delivery claims it next. Should he be killed before, it is found again after this time.
AGAIN = timedelta(seconds=2)

Begin = Callable[[Sequence[int], Trigger], Awaitable[None]]


@transaction.atomic
def find(most: int = PORTION) -> list[tuple[int, Trigger]]:
    """Up to so many deliveries that are overdue, oldest first; several workers find different ones."""
    # Two queries, so that each is answered by the small index that is made for it.
    waiting = WAITING & models.Q(next_attempt_at__lte=Now())
    left_behind = models.Q(status=Status.PROCESSING, lease_expires_at__lte=Now())
    found: list[tuple[int, Trigger]] = []
    for overdue, order in ((left_behind, "lease_expires_at"), (waiting, "next_attempt_at")):
        rows = (
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(overdue)
            .order_by(order)
            .values_list("pk", "status")[: most - len(found)]
        )
        found += [(pk, Trigger.RETRY if status == Status.RETRYING else Trigger.SWEEP) for pk, status in rows]
    # Due again is waiting again; and who lost a lease must not settle under it. Any of what a dead worker
    # left behind may be what it died of, so each is under suspicion from now on.
    Delivery.objects.filter(pk__any=[pk for pk, _ in found]).update(
        crashes=models.Case(
            models.When(status=Status.PROCESSING, then=Greatest("crashes", 1)), default="crashes"
        ),
        status=Status.RECEIVED,
        lease_expires_at=None,
        next_attempt_at=after(AGAIN),
    )
    return found


async def run(begin: Begin, every: float = EVERY) -> None:
    """Sweep until cancelled; goes on without a pause while it finds all that it looks for.

    An outage of the database is logged and outlived.
    """
    down = False
    while True:
        found: list[tuple[int, Trigger]] = []
        try:
            found = await database.run(find)
            for trigger in dict.fromkeys(trigger for _, trigger in found):
                await begin([pk for pk, why in found if why is trigger], trigger)
            down = False
        except Error as error:
            if not down:
                logger.error("the sweep waits for the database: %s", error)  # noqa: TRY400
            down = True
        if len(found) < PORTION or down:
            await asyncio.sleep(every)
