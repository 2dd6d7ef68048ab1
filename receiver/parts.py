"""The parts of one receiver: intake, wake-ups and rejections, created and closed together.

The ASGI lifespan owns one for the life of the process. A handler without a lifespan, such as Django's test
client, makes one for each request.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.db import connection
from django.http import HttpRequest
from redis.exceptions import RedisError

from receiver.intake import Intake
from receiver.metering import Meter
from receiver.queue import Wakeups
from receiver.rejections import Rejections
from receiver.sqlite import SqliteWriter
from receiver.store import DownError, StoreError, Writer

logger = logging.getLogger(__name__)

READY_WITHIN = 3.0  # seconds for each answer to `/readyz`
# Seconds for which `/readyz` trusts a failed commit more than its own probe of the database.
BELIEVED = 3.0
# Seconds to close. uvicorn has already waited for the requests; a hanging insert is cut after five.
COMMIT_WITHIN = 6.0
CLOSE_WITHIN = 3.0


class Parts:
    """The parts of the receiver that belong to one event loop."""

    def __init__(self) -> None:
        self.wakeups = Wakeups()
        self.rejections = Rejections()
        self.meter = Meter()
        self._unready: set[str] = set()
        self._prober = _writer()
        self._probe: asyncio.Task[StoreError | None] | None = None
        # PostgreSQL commits one batch while the next is parsed; SQLite has one writer at a time.
        count = 2 if connection.vendor == "postgresql" else 1
        self.intake = Intake([_writer() for _ in range(count)], self.wakeups.wake)

    async def database_ready(self) -> bool:
        """Return whether a delivery can be stored now, from the last commit and a probe."""
        if self.intake.down_for < BELIEVED:
            return False
        # A probe that hangs is not cancelled: psycopg would wait for the server to confirm that.
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._probed())
        probe = self._probe  # a later request may begin another one
        await asyncio.wait({probe}, timeout=READY_WITHIN)
        error = probe.result() if probe.done() else StoreError("no answer in time")
        return self._ready("database", error.reason if isinstance(error, DownError) else error)

    async def _probed(self) -> StoreError | None:
        """Return the error of a probe. Nobody may be left to read an exception of its task."""
        try:
            await self._prober.probe()
        except StoreError as error:
            return error
        return None

    async def redis_ready(self) -> bool:
        """Return whether Redis answers."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self.wakeups.ping()
        except (RedisError, OSError) as error:
            return self._ready("redis", str(error) or type(error).__name__)
        return self._ready("redis", None)

    def _ready(self, part: str, error: object) -> bool:
        """Return whether `error` is None; log the begin and the end of an outage."""
        if error is None and part in self._unready:
            self._unready.discard(part)
            logger.info("ready part=%s", part)
        elif error is not None and part not in self._unready:
            self._unready.add(part)
            logger.warning("not ready part=%s error=%s", part, error)
        return error is None

    async def close(self) -> None:
        """Commit pending arrivals and send pending wake-ups; return in time even if a server hangs."""
        await self.intake.close(COMMIT_WITHIN)
        closing = (self.wakeups.close(), self.rejections.close(), self.meter.close(), self._close_prober())
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                results = await asyncio.gather(*closing, return_exceptions=True)
        except TimeoutError:
            logger.warning("not closed in time seconds=%g", CLOSE_WITHIN)
            return
        for error in filter(None, results):
            logger.error("not closed cleanly", exc_info=error)

    async def _close_prober(self) -> None:
        if self._probe is not None:
            await asyncio.wait({self._probe})
        await self._prober.close()


def _writer() -> Writer:
    if connection.vendor == "sqlite":
        return SqliteWriter()
    from receiver.postgresql import PostgresWriter  # noqa: PLC0415 - loads psycopg

    return PostgresWriter()


def of(request: HttpRequest) -> Parts | None:
    """Return the parts of the lifespan; None under a handler without one, such as Django's test client."""
    found: Parts | None = getattr(request, "scope", {}).get("state", {}).get("parts")
    return found


@asynccontextmanager
async def temporary() -> AsyncIterator[Parts]:
    """Yield parts for one request alone."""
    made = Parts()
    try:
        yield made
    finally:
        await made.close()
