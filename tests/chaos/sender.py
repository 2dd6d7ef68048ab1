"""A sender that behaves like GitHub: it sends every delivery once and keeps what it was told."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests import github

# Answers in a row that show that a fault is over.
RECOVERED = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What one POST was told; `status` is 0 where the connection ended without an answer."""

    guid: str
    status: int
    asked: float
    """`time.monotonic()` when it was sent."""
    answered: float
    retry_after: str = ""

    @property
    def seconds(self) -> float:
        """How long the answer took."""
        return self.answered - self.asked


@dataclass
class Sender:
    """Sends to one receiver, repeats nothing, and records each answer."""

    http: aiohttp.ClientSession
    url: str
    answers: list[Answer] = field(default_factory=list)

    async def send(self, request: github.Request) -> Answer:
        """POST one delivery."""
        asked = time.monotonic()
        status, retry_after = 0, ""
        try:
            async with self.http.post(
                f"{self.url}/webhooks/github", data=request.body, headers=request.headers
            ) as response:
                await response.read()
                status, retry_after = response.status, response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, OSError):
            pass  # no answer is an answer, too: nothing was promised
        answer = Answer(request.guid, status, asked, time.monotonic(), retry_after)
        self.answers.append(answer)
        return answer

    async def crowd(self, requests: Iterable[github.Request], connections: int) -> None:
        """Send all of `requests` over so many connections, each one after the other."""
        remaining = iter(requests)

        async def connection() -> None:
            for request in remaining:
                await self.send(request)

        await asyncio.gather(*(connection() for _ in range(connections)))

    @asynccontextmanager
    async def traffic(
        self, per_second: float, delivery: Callable[[], github.Request] | None = None
    ) -> AsyncIterator[None]:
        """Send at a steady pace while the context lasts; at its end all that was sent is answered."""
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

    async def recovered(self, since: float, within: float) -> None:
        """Wait until the last few answers to what was sent since then are all 202.

        Raises AssertionError when that takes longer than `within` seconds. Traffic must go on meanwhile.
        """
        while True:
            late = [answer.status for answer in self.answers if answer.asked > since][-RECOVERED:]
            if late == [202] * RECOVERED:
                return
            assert time.monotonic() < since + within, f"not recovered within {within:g} s: {late}"
            await asyncio.sleep(0.05)

    def promised(self) -> set[str]:
        """The guids that were answered with a 2xx."""
        return {answer.guid for answer in self.answers if 200 <= answer.status < 300}

    def statuses(self) -> Counter[int]:
        """How often each status was the answer."""
        return Counter(answer.status for answer in self.answers)

    def between(self, start: float, end: float) -> list[Answer]:
        """What was both sent and answered in this time."""
        return [answer for answer in self.answers if start <= answer.asked and answer.answered <= end]
