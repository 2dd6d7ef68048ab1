"""The sweep: finds what no wake-up will bring, and has it woken.

That is what was committed and never enqueued, what is due again, and what a lost worker left behind.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections, models, transaction
from django.db.models.functions import Now

from receiver.models import Delivery, Status, Trigger, after

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds
PORTION = 500
# Until a worker has taken what was found, it is not found again for this time.
AGAIN = timedelta(seconds=30)

Found = tuple[str, Trigger, int]
Wake = Callable[[Iterable[Found]], Awaitable[None]]


@transaction.atomic
def find() -> list[Found]:
    """Up to `PORTION` deliveries that are overdue, oldest first; several workers find different ones."""
    # Two queries, so that each is answered by the small index that is made for it.
    waiting = models.Q(status__in=[Status.RECEIVED, Status.RETRYING], next_attempt_at__lte=Now())
    left_behind = models.Q(status=Status.PROCESSING, lease_expires_at__lte=Now())
    found: list[Found] = []
    for overdue, order in ((waiting, "next_attempt_at"), (left_behind, "lease_expires_at")):
        rows = (
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(overdue)
            .order_by(order)
            .values_list("pk", "event", "status")[:PORTION]
        )
        found += [
            (event, Trigger.RETRY if status == Status.RETRYING else Trigger.SWEEP, pk)
            for pk, event, status in rows
        ]
    # Due again is waiting again; and who lost a lease must not settle under it.
    Delivery.objects.filter(pk__in=[pk for _, _, pk in found]).update(
        status=Status.RECEIVED, lease_expires_at=None, next_attempt_at=after(AGAIN)
    )
    return found


def put_back(found: Iterable[Found]) -> None:
    """Make what nobody could be woken for due at once."""
    Delivery.objects.filter(pk__in=[pk for _, _, pk in found], status=Status.RECEIVED).update(
        next_attempt_at=Now()
    )


async def run(wake: Wake, every: float = EVERY) -> None:
    """Sweep until cancelled. An outage of the database or of Redis is logged and outlived."""
    down = False
    while True:
        try:
            await sync_to_async(close_old_connections)()
            found = await sync_to_async(find)()
            if found:
                try:
                    await wake(found)
                except OSError:
                    await sync_to_async(put_back)(found)
                    raise
            down = False
        except (Error, OSError) as error:
            if not down:
                logger.error("the sweep waits for the database or Redis: %s", error)  # noqa: TRY400
            down = True
        await asyncio.sleep(every)
