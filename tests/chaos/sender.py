"""A sender that behaves like GitHub: it sends every delivery once and records the answers."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

import aiohttp

from tests import github

# Answers in a row that show that a fault is over; answers that show that there is one.
RECOVERED = 5
REFUSED = 3
# Seconds, on a slow machine.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one POST; `status` is 0 if the connection ended without one."""

    guid: str
    status: int
    asked: float
    """`time.monotonic()` when it was sent."""
    answered: float
    retry_after: str = ""

    @property
    def seconds(self) -> float:
        """Seconds from the request to the answer."""
        return self.answered - self.asked


@dataclass
class Sender:
    """Sends to one receiver, never repeats a delivery, and records each answer."""

    http: aiohttp.ClientSession
    url: str
    answers: list[Answer] = field(default_factory=list)

    async def send(self, request: github.Request) -> Answer:
        """POST one delivery."""
        asked = time.monotonic()
        status, retry_after = 0, ""
        try:
            async with self.http.post(
                f"{self.url}/webhooks/github", data=BytesIO(request.body), headers=request.headers
            ) as response:
                await response.read()
                status, retry_after = response.status, response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, OSError):
            pass  # no answer is an answer, too: nothing was promised
        answer = Answer(request.guid, status, asked, time.monotonic(), retry_after)
        self.answers.append(answer)
        return answer

    async def crowd(self, requests: Iterable[github.Request], connections: int) -> None:
        """Send `requests` over this many connections, one at a time on each."""
        remaining = iter(requests)

        async def connection() -> None:
            for request in remaining:
                await self.send(request)

        await asyncio.gather(*(connection() for _ in range(connections)))

    @asynccontextmanager
    async def traffic(
        self, per_second: float, delivery: Callable[[], github.Request] | None = None
    ) -> AsyncIterator[None]:
        """Send at a steady pace during the context; at its end, wait for all answers."""
        make = delivery or (lambda: github.sample("push__branch"))
        under_way: set[asyncio.Task[Answer]] = set()

        async def go_on() -> None:
            while True:
                under_way.add(asyncio.create_task(self.send(make())))
                await asyncio.sleep(1 / per_second)

        pace = asyncio.create_task(go_on())
        try:
            yield
        finally:
            pace.cancel()
            await asyncio.gather(pace, return_exceptions=True)
            await asyncio.gather(*under_way)

    async def refused(self, since: float, within: float = math.inf) -> None:
        """Wait until a few deliveries sent after `since` are answered 503 within so many seconds.

        Raises AssertionError after `PATIENCE`. Needs `traffic` at the same time.
        """
        await self.answered(503, REFUSED, since, within)

    async def answered(self, status: int, count: int, since: float, within: float = math.inf) -> None:
        """Wait until so many deliveries sent after `since` have this answer within so many seconds each.

        Raises AssertionError after `PATIENCE`. Needs `traffic` at the same time. A machine that stalls delays
        some answers, and so this; a fault of the program delays all of them.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            late = [answer for answer in self.answers if answer.asked > since]
            if sum(answer.status == status and answer.seconds < within for answer in late) >= count:
                return
            said = [(answer.status, round(answer.seconds, 1)) for answer in late]
            assert time.monotonic() < deadline, f"not {count} times {status} within {within:g} s each: {said}"
            await asyncio.sleep(0.05)

    async def recovered(self, since: float, within: float) -> None:
        """Wait until the last few answers to deliveries sent after `since` are all 202.

        Raises AssertionError after `within` seconds. Needs `traffic` at the same time.
        """
        deadline = max(since, time.monotonic()) + within
        while True:
            late = [answer.status for answer in self.answers if answer.asked > since][-RECOVERED:]
            if late == [202] * RECOVERED:
                return
            assert time.monotonic() < deadline, f"not recovered within {within:g} s: {late}"
            await asyncio.sleep(0.05)

    def promised(self) -> set[str]:
        """Return the guids with a 2xx."""
        return {answer.guid for answer in self.answers if 200 <= answer.status < 300}

    def statuses(self) -> Counter[int]:
        """Return how many answers had each status."""
        return Counter(answer.status for answer in self.answers)

    def between(self, start: float, end: float) -> list[Answer]:
        """Return the answers to deliveries that were sent and answered in this time."""
        return [answer for answer in self.answers if start <= answer.asked and answer.answered <= end]
