"""The scripted handler, and beside it one that hangs where the source says so, with a short limit of its own.

On a machine that stalls, the limit of all the others is long enough.
"""

import asyncio

from handlers import DeliveryContext, on
from schemas.push import PushEvent
from tests.chaos import scripted_handler
from tests.chaos.times import HANGS_FOR


@on(PushEvent, timeout=HANGS_FOR, max_attempts=scripted_handler.MAX_ATTEMPTS)
async def hang_if_told(_event: PushEvent, delivery: DeliveryContext) -> None:
    if delivery.source == "hangs":
        await asyncio.Event().wait()
