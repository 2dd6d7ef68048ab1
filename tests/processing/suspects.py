"""A handler whose script is the delivery's source.

It is a module, because the isolating process imports it.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from handlers import DeliveryContext, Registry
from handlers import registry as program
from schemas.push import PushEvent

# Registered in the isolating process only; here it would affect other tests.
registry = program if Path(sys.argv[0]).name == "isolated.py" else Registry()


@registry.on(PushEvent, timeout=2)
async def follow_script(_event: PushEvent, delivery: DeliveryContext) -> None:
    if delivery.source == "kills":
        os.kill(os.getpid(), signal.SIGKILL)
    if delivery.source == "exits":
        os._exit(3)
    if delivery.source == "blocks":
        time.sleep(3600)  # noqa: ASYNC251 - that is its fault
    if delivery.source == "hangs":
        await asyncio.Event().wait()
    print("not an answer")  # noqa: T201
    delivery.note(str(os.getpid()))
