"""A handler whose script is the delivery's source, with limits that a test can wait for.

The worker and its isolating process import it. A test never does, because it registers a handler.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from django.db import transaction

import handlers.push  # noqa: F401 - its handler is to be there
from handlers import DeliveryContext, RetryableError, on
from handlers._registry import registry
from receiver.models import HandlerRun
from schemas.push import PushEvent
from tests.chaos import written
from tests.chaos.times import LATER, LONG

TIMEOUT = float(os.environ.get("HANDLER_TIMEOUT", "30"))  # seconds
MAX_ATTEMPTS = 2

for handler in registry.handlers["push"]:
    object.__setattr__(handler, "timeout", TIMEOUT)
    object.__setattr__(handler, "max_attempts", MAX_ATTEMPTS)


async def work(_attempt: int) -> None:
    await asyncio.sleep(random.uniform(0, 0.05))


async def wait(_attempt: int) -> None:
    while not Path(os.environ["LET"]).exists():
        await asyncio.sleep(0.02)


async def be_long(_attempt: int) -> None:
    await asyncio.sleep(LONG)


async def come_again(attempt: int) -> None:
    if attempt == 1:
        raise RetryableError("not yet", retry_in=LATER)


async def fail(_attempt: int) -> None:
    raise OSError("it always does")


async def block(_attempt: int) -> None:
    time.sleep(3600)  # noqa: ASYNC251 - that is its fault


async def kill(_attempt: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def leak(_attempt: int) -> None:
    raise asyncio.CancelledError


async def use_the_orm(_attempt: int) -> None:
    for _ in range(20):
        await HandlerRun.objects.acount()
        await asyncio.to_thread(HandlerRun.objects.count)
        await asyncio.sleep(0.05)


async def leave_open(_attempt: int) -> None:
    await asyncio.to_thread(begin)


def begin() -> None:
    transaction.set_autocommit(False)
    HandlerRun.objects.update(error="lost")


COMMANDS: dict[str, Callable[[int], Awaitable[None]]] = {
    "works": work,
    "waits": wait,
    "long": be_long,
    "later": come_again,
    "raises": fail,
    "blocks": block,
    "kills": kill,
    "leaks": leak,
    "opens": leave_open,
    "orm": use_the_orm,
}


@on(PushEvent, timeout=TIMEOUT, max_attempts=MAX_ATTEMPTS)
async def follow_script(event: PushEvent, delivery: DeliveryContext) -> None:
    await written.write("began", event, delivery)
    if delivery.source in COMMANDS:
        await COMMANDS[delivery.source](delivery.attempt)
    await written.have_effect(str(delivery.guid))
    if delivery.source == "works":
        await work(delivery.attempt)
    await written.write("ended", event, delivery)
