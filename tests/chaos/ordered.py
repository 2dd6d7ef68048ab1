"""A handler that is ordered by repository; where the source says "later", its first attempt fails."""

import asyncio
import random

from handlers import DeliveryContext, RetryableError, on
from schemas.push import PushEvent
from tests.chaos import written


@on(PushEvent, serialize="repository")
async def take_turns(event: PushEvent, delivery: DeliveryContext) -> None:
    await written.write("began", event, delivery)
    try:
        await asyncio.sleep(random.uniform(0, 0.02))
        if delivery.source == "later" and delivery.attempt == 1:
            raise RetryableError("not yet", retry_in=0.5)
        await written.have_effect(str(delivery.guid))
        await written.write("done", event, delivery)
    finally:
        await written.write("ended", event, delivery)
