"""A handler that does what the delivery's source says, and limits that a test can wait for.

Imported by the worker and by its quarantine, so that both keep to the same.
"""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import handlers.push  # noqa: F401 - its handler is to be there
from handlers import DeliveryContext, RetryableError, on
from handlers._registry import registry
from schemas.push import PushEvent
from tests.chaos import journal
from tests.chaos.times import LATER, LONG

TIMEOUT = float(os.environ.get("HANDLER_TIMEOUT", "30"))  # seconds
MAX_ATTEMPTS = 2

for handler in registry.handlers["push"]:
    object.__setattr__(handler, "timeout", TIMEOUT)
    object.__setattr__(handler, "max_attempts", MAX_ATTEMPTS)


@on(PushEvent, timeout=TIMEOUT, max_attempts=MAX_ATTEMPTS)
async def obey(event: PushEvent, delivery: DeliveryContext) -> None:
    await journal.write("began", event, delivery)
    match delivery.source:
        case "works":
            await asyncio.sleep(random.uniform(0, 0.1))
        case "waits":
            while not Path(os.environ["LET"]).exists():
                await asyncio.sleep(0.02)
        case "long":
            await asyncio.sleep(LONG)
        case "later":
            if delivery.attempt == 1:
                raise RetryableError("not yet", retry_in=LATER)
        case "raises":
            raise OSError("it always does")
        case "hangs":
            await asyncio.Event().wait()
        case "blocks":
            time.sleep(3600)
        case "kills":
            os.kill(os.getpid(), signal.SIGKILL)
    await journal.have_effect(str(delivery.guid))
    if delivery.source == "works":
        await asyncio.sleep(random.uniform(0, 0.1))
    await journal.write("ended", event, delivery)
