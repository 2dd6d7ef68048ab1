"""The forwarder: sends deliveries one after the other, in the order of their ids, until it is stopped."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import Error

import database
from console.forwarding import recording, trying
from console.forwarding.client import Answer, Client, NoAnswerError, NotReachedError
from console.forwarding.outgoing import Outgoing, outgoing
from console.forwarding.stored import PrunedError, Stored, UnreadableError
from console.forwarding.trying import Meaning

LOOK_EVERY = 1.0  # seconds between two looks for new deliveries
# Seconds between two looks while a transaction may still add a lower id.
BLOCKED_LOOK_EVERY = 0.05


Show = Callable[[Outgoing, Answer], None]
"""Gets the last answer to each delivery."""


class TargetAwayError(Exception):
    """The target was away for all attempts."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to forward."""

    secret: bytes
    follow: bool = False
    """Go on with what arrives, and wait for an end that is away, until stopped."""
    rate: float = 0.0
    """Deliveries per second; 0 is no limit."""
    folder: Path | None = None
    """Where each delivery is recorded before it is sent."""


class Forwarder:
    """Forwards what `stored` holds. `reached` is the id up to which all are done.

    `failed` counts what was not accepted, `pruned` those of them whose body was pruned.
    """

    def __init__(
        self,
        stored: Stored,
        client: Client,
        options: Options,
        show: Show,
        report: Callable[[str], None],
    ) -> None:
        """`report` gets a line about each failed attempt."""
        self.reached = 0
        self.sent = 0
        self.failed = 0
        self.pruned = 0
        self._stored = stored
        self._client = client
        self._options = options
        self._show = show
        self._report = report
        self._stop = asyncio.Event()
        self._next_at = 0.0
        self._outages = 0

    def stop(self) -> None:
        """Stop after the delivery that is being sent."""
        self._stop.set()

    async def run(self, after: int, until: int | None) -> bool:
        """Forward what comes after one id; return whether it reached the end, `until`.

        Without `until` it ends only by `stop`. Raises `TargetAwayError`, `recording.NotRecordedError` and
        `django.db.Error`; with `follow`, it waits out outages of the target and of the database.
        """
        self.reached = after
        while not self._stop.is_set():
            try:
                if not await self._batch(until):
                    return True
                self._outages = 0
            except Error as error:
                if not self._options.follow:
                    raise
                self._outages += 1
                wait = trying.backoff(self._outages)
                self._report(f"the database does not answer: {error}; again in {wait:.1f} s")
                await self._pause(wait)
        return False

    async def _batch(self, until: int | None) -> bool:
        """Forward the next ids; return False at the end."""
        batch = await database.run(self._stored.take, self.reached, until)
        for pk in batch.ids:
            if not await self._forward(pk):
                return True
            self.reached = pk
        self.reached = batch.reached
        if batch.ids:
            return True
        if until is not None:
            return False
        await self._pause(BLOCKED_LOOK_EVERY if self._stored.blocked else LOOK_EVERY)
        return True

    async def _forward(self, pk: int) -> bool:
        """Forward one delivery; return False if it was stopped before."""
        try:
            found = await database.run(self._stored.read, pk)
        except UnreadableError as error:
            self.failed += 1
            self._report(f"id {pk}: {error}")
            return True
        except PrunedError:  # `prune` leaves thousands: they are counted, without a line each
            self.failed += 1
            self.pruned += 1
            return True
        if found is None:
            return True
        delivery, body = found
        if self._options.folder is not None:
            await asyncio.to_thread(recording.record, self._options.folder, delivery, body)
        return await self._send(outgoing(delivery, body, self._options.secret))

    async def _send(self, ready: Outgoing) -> bool:
        """Send until it is accepted or refused; return False if it was stopped before."""
        failed = away = 0
        while True:
            await self._keep_rate()
            if self._stop.is_set():
                return False
            retry_after = answer = None
            try:
                answer = await self._client.send(ready)
                means, said = trying.meaning(answer.status), str(answer.status)
                retry_after = answer.retry_after
            except NotReachedError as error:
                means, said = Meaning.AWAY, f"not reached: {error}"
            except NoAnswerError as error:
                means, said = Meaning.FAILED, str(error)
            failed += means is Meaning.FAILED
            away += means is Meaning.AWAY
            if means is Meaning.AWAY and away >= trying.ATTEMPTS_AWAY and not self._options.follow:
                raise TargetAwayError(said)
            if means in {Meaning.ACCEPTED, Meaning.REFUSED} or failed >= trying.ATTEMPTS:
                self._end(ready, answer, said, accepted=means is Meaning.ACCEPTED)
                return True
            wait = trying.backoff(failed + away, retry_after)
            self._report(f"{ready.event} {ready.guid} {said}; again in {wait:.1f} s")
            await self._pause(wait)

    def _end(self, ready: Outgoing, answer: Answer | None, said: str, *, accepted: bool) -> None:
        self.sent += accepted
        self.failed += not accepted
        if answer is not None:
            self._show(ready, answer)
        else:
            self._report(f"{ready.event} {ready.guid} {said}; given up")

    async def _keep_rate(self) -> None:
        if not self._options.rate:
            return
        await self._pause(self._next_at - time.monotonic())
        self._next_at = max(self._next_at, time.monotonic()) + 1 / self._options.rate

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stop.wait()
        except TimeoutError:
            return
