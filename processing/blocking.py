"""Says what blocks a worker's event loop, and ends the process when that lasts too long.

A handler that blocks it delays all deliveries, leases and claims of the process.
"""

import asyncio
import faulthandler
import logging
import sys
import threading
import time
from types import FrameType

from django.conf import settings

from processing import running

logger = logging.getLogger(__name__)

# Seconds between two looks at the event loop, and those of delay that are worth a line.
LOOK_EVERY = 0.5
LOGGED_FROM = 1.0


async def watch(longest: float) -> None:
    """Log each time that the event loop is blocked; after `longest` seconds end, with the stacks on stderr.

    An outage of the database blocks only threads.
    """
    looked, place, ended, main = time.monotonic(), "", threading.Event(), threading.get_ident()

    def look() -> None:
        nonlocal place
        while not ended.wait(LOOK_EVERY):
            if not place and time.monotonic() > looked + LOOK_EVERY + LOGGED_FROM:
                place = _place(sys._current_frames()[main])

    threading.Thread(target=look, name="blocking", daemon=True).start()
    try:
        while True:
            faulthandler.dump_traceback_later(longest, exit=True)
            await asyncio.sleep(LOOK_EVERY)
            delay = time.monotonic() - looked - LOOK_EVERY
            if delay >= LOGGED_FROM:
                logger.warning("event loop blocked seconds=%.1f at=%s", delay, place or "unknown")
            looked, place = time.monotonic(), ""
    finally:
        ended.set()
        faulthandler.cancel_dump_traceback_later()


def _place(frame: FrameType) -> str:
    """Return file and line of the handler that runs in this frame; outside of one, those of the frame."""
    innermost = frame
    while frame.f_back is not None and frame.f_back.f_code is not running._run.__code__:
        frame = frame.f_back
    found = frame if frame.f_back is not None else innermost
    return f"{found.f_code.co_filename.removeprefix(f'{settings.BASE_DIR}/')}:{found.f_lineno}"
