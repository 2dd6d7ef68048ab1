"""The operation `recover`: looks at hooks, then asks GitHub for what is missing until it arrives or is lost.

Its parameters are `hooks`, ids of `WatchedHook` or null for all, `since`, seconds to go back or null for
where the last look ended, and `fetch`, to store what GitHub shows instead of asking.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Q

import database
from database import row_sets
from ledger.models import Operation
from ledger.operations import Progress
from upstream import asking, discovery, fetching, looking, missing
from upstream.answers import DeliveryDetail
from upstream.client import Client
from upstream.errors import (
    LimitedError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsentError,
    UpstreamError,
)
from upstream.looking import Look
from upstream.missing import API, ASKS
from upstream.models import HookKind, Missed, MissedState, WatchedHook, retention

logger = logging.getLogger(__name__)

# Seconds from the answer to one request to deliver until the next: at most two a second, over all workers.
ASK_INTERVAL = 0.5
# Requests to deliver in one portion, after which a cancelled operation ends.
PORTION = 5
# Deliveries that GitHub fails to show to one operation. At the next one it counts as an outage.
MAX_SKIPPED = 3
# Seconds between two looks for arrivals.
ARRIVALS_EVERY = 0.5
# Times that a page is tried again, and seconds before the first of them; doubled each time.
RETRIES = 4
RETRY_AFTER = 5.0
# An automatic look leaves out a hook that failed last and delivered nothing for so long.
SILENT = timedelta(days=30)

# Errors that say nothing about other requests for the same hook.
OF_ONE_ANSWER = (UnreachableError, RefusedError, UnexpectedAnswerError)

FORGOTTEN = "GitHub does not have it any more"
NO_PAYLOAD = "GitHub shows no payload of it"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an operation goes."""

    ask_interval: float = ASK_INTERVAL
    arrives_within: timedelta = asking.ARRIVES_WITHIN
    arrivals_every: float = ARRIVALS_EVERY
    retry_after: float = RETRY_AFTER


@dataclass(slots=True)
class Cursor:
    """Where an operation is: hooks to look at, and then hooks whose missed deliveries are asked for."""

    look_at: list[int] | None = None
    """Ids of `WatchedHook`; None before they are known."""
    look: dict[str, Any] | None = None
    ask_for: list[int] = field(default_factory=list)
    tries: int = 0
    skipped: list[int] = field(default_factory=list)
    """Ids of `Missed` that GitHub failed to show."""

    def as_json(self) -> dict[str, Any]:
        """Return the arguments of `Cursor(**...)`."""
        return {name: getattr(self, name) for name in self.__slots__}


class Recovery:
    """Runs the portions of operations; `client` is one of `upstream.client.for_operations`."""

    def __init__(self, client: Client, pace: Pace | None = None) -> None:
        self.client = client
        self._pace = pace or Pace()

    async def portion(self, operation: Operation) -> Progress:
        """Do the next portion of an operation; see `processing.operation_runner`."""
        cursor = Cursor(**(operation.cursor or {}))
        if (seconds := await database.run(missing.paused, API)) > 0:
            # What GitHub was asked for before the limit arrives meanwhile.
            done = await database.run(missing.note_arrivals, cursor.ask_for)
            wait = min(seconds, self._pace.arrives_within.total_seconds())
            return Progress(cursor.as_json(), done, wait=wait)
        try:
            if cursor.look_at is None:
                return await self._begin(operation.parameters, cursor)
            if cursor.look_at:
                return await self._look(operation.parameters, cursor, cursor.look_at)
            return await self._recover(operation.parameters, cursor)
        except LimitedError as error:
            await database.run(missing.note_limit, error.seconds)
            return Progress(cursor.as_json())

    async def _begin(self, parameters: Mapping[str, Any], cursor: Cursor) -> Progress:
        while await database.run(discovery.discover):
            pass
        cursor.look_at = await database.run(_chosen, parameters.get("hooks"))
        return Progress(cursor.as_json(), estimated=0)

    async def _look(self, parameters: Mapping[str, Any], cursor: Cursor, look_at: list[int]) -> Progress:
        """Read one page of the first hook that is left. A hook that fails does not stop the others."""
        watched = await database.run(WatchedHook.objects.get, pk=look_at[0])
        failures = Counter[str]()
        failed: Sequence[WatchedHook] = ()
        look: Look | str | None = None
        try:
            look = await self._step(watched, parameters.get("since"), cursor)
        except LimitedError:
            raise
        except UpstreamError as error:
            if isinstance(error, UnreachableError) and cursor.tries < RETRIES:
                wait = self._pace.retry_after * 2**cursor.tries
                cursor.tries += 1
                return Progress(cursor.as_json(), wait=wait)
            failed = await database.run(_failed_alike, watched, look_at, error)
            failures.update(await _failed(failed, error))
            if cursor.look is not None and isinstance(error, OF_ONE_ANSWER):
                # What the pages so far showed is asked for: GitHub may never show this one.
                cursor.ask_for.append(watched.pk)
        cursor.look, cursor.tries = look.as_json() if isinstance(look, Look) else None, 0
        for one in failed:
            # A hook that cannot be seen is not asked for anything: its answers would mean nothing.
            look_at.remove(one.pk)
            due = await database.run(missing.due, one, 0, self._pace.arrives_within)
            failures.update(due.lost)
        if isinstance(look, str):
            cursor.ask_for.append(look_at.pop(0))
            failures.update([f"hook {watched.hook_id}: {look}"] if look else [])
        estimated = None if look_at else await database.run(_open, cursor.ask_for)
        return Progress(cursor.as_json(), failures=failures, estimated=estimated)

    async def _step(self, watched: WatchedHook, since: float | None, cursor: Cursor) -> Look | str:
        if cursor.look is not None:
            return await looking.step(self.client, watched, Look(**cursor.look))
        if watched.kind == HookKind.APP:
            await looking.require_app(self.client, watched)
        return await looking.step(self.client, watched, Look(watched.pk, since))

    async def _recover(self, parameters: Mapping[str, Any], cursor: Cursor) -> Progress:
        """Ask for a few deliveries of the hooks, or wait for arrivals; end when neither is left."""
        # A delivery that comes through a hook meanwhile shows that its endpoint can be reached.
        await database.run(discovery.discover)
        done = await database.run(missing.note_arrivals, cursor.ask_for)
        failures: Counter[str] = Counter()
        left: list[int] = []
        waits: list[float] = []
        for place, pk in enumerate(cursor.ask_for):
            watched = await database.run(WatchedHook.objects.get, pk=pk)
            if parameters.get("fetch"):
                due = missing.Due(await database.run(_fetchable, watched, cursor.skipped), 0.0)
            else:
                due = await database.run(missing.due, watched, PORTION, self._pace.arrives_within)
            failures.update(due.lost)
            if due.ask:
                try:
                    if parameters.get("fetch"):
                        done += await self._fetch(watched, due.ask[0], cursor.skipped, failures)
                    else:
                        # The next portion counts what arrived.
                        await self._ask(watched, due.ask, failures)
                    # Hooks take turns, so that GitHub forgets nothing of one while another is asked.
                    left = [*cursor.ask_for[place + 1 :], *left, pk]
                except LimitedError as error:
                    await database.run(missing.note_limit, error.seconds)
                    return Progress(cursor.as_json(), done, failures)
                except UpstreamError as error:
                    failed = await database.run(_failed_alike, watched, cursor.ask_for, error)
                    failures.update(await _failed(failed, error))
                    refused = {one.pk for one in failed}
                    left = [one for one in (*cursor.ask_for[place + 1 :], *left) if one not in refused]
                waits = [0.0]
                break
            if due.wait:
                left.append(pk)
                waits.append(due.wait)
        cursor.ask_for = left
        wait = min([*waits, self._pace.arrivals_every]) if waits else 0.0
        return Progress(cursor.as_json(), done=done, failures=failures, finished=not left, wait=wait)

    async def _ask(self, watched: WatchedHook, rows: Sequence[Missed], failures: Counter[str]) -> None:
        """Ask GitHub to deliver these again. Raises errors that concern more than one of them.

        Adds to `failures` why some are lost or refused.
        """
        for row in rows:
            await self._wait_for_turn()
            if not await database.run(missing.note_ask, row):
                continue
            url = f"{watched.path}/deliveries/{row.attempt}"
            try:
                await self.client.post(f"{url}/attempts")
                logger.info("asked again guid=%s hook=%d ask=%d", row.guid, row.hook_id, row.asks + 1)
            except NotFoundError as error:
                await self._not_found(url, row, error)
                failures.update([FORGOTTEN] * await database.run(missing.lose, row, FORGOTTEN))
            except UnsentError:
                await database.run(missing.take_back, row)
                raise
            except (UnreachableError, RefusedError) as error:
                # GitHub may have acted although no answer came, so the ask is spent.
                logger.warning("not asked guid=%s error=%s", row.guid, error)
                await database.run(missing.note_refusal, row, str(error))
                if isinstance(error, RefusedError):
                    # Without the id, so that equal refusals are one reason.
                    failures[str(error).replace(str(row.attempt), "{id}")] += 1
            except UpstreamError:
                await database.run(missing.take_back, row)
                raise
            await database.run(missing.extend_pause, ASKS, self._pace.ask_interval)

    async def _wait_for_turn(self) -> None:
        """Wait until no worker asked GitHub for so long."""
        while True:
            seconds = await database.run(missing.pause, ASKS, self._pace.ask_interval)
            if not seconds:
                return
            await asyncio.sleep(seconds)

    async def _not_found(self, url: str, row: Missed, error: NotFoundError) -> None:
        """Raise the error if the delivery is there, and only asking for it is not permitted."""
        try:
            await self.client.get(url, DeliveryDetail)
        except NotFoundError:
            return
        except UpstreamError:
            await database.run(missing.take_back, row)
            raise
        await database.run(missing.take_back, row)
        raise error

    async def _fetch(
        self, watched: WatchedHook, row: Missed, skipped: list[int], failures: Counter[str]
    ) -> int:
        """Store the payload of this from GitHub's API; return the number stored.

        Adds to `failures` why it is not. What GitHub fails to show is added to `skipped`, and the error is
        raised after `MAX_SKIPPED` of these.
        """
        try:
            detail = await self.client.get(f"{watched.path}/deliveries/{row.attempt}", DeliveryDetail)
        except NotFoundError:
            reason = FORGOTTEN
        except OF_ONE_ANSWER as error:
            if len(skipped) >= MAX_SKIPPED:
                raise
            logger.warning("not fetched guid=%s error=%s", row.guid, error)
            skipped.append(row.pk)
            failures[str(error)] += 1
            return 0
        else:
            if detail.request.payload is not None:
                return int(await database.run(fetching.store, row, detail, watched.source))
            reason = NO_PAYLOAD
        failures.update([reason] * await database.run(missing.lose, row, reason))
        return 0


def _chosen(hooks: Sequence[int] | None) -> list[int]:
    """Return the ids of the hooks to look at: these, or all that GitHub's API has."""
    rows = WatchedHook.objects.exclude(kind=HookKind.OTHER).order_by("pk")
    if hooks is not None:
        return list(rows.filter(pk__in=hooks).values_list("pk", flat=True))
    silent = ~Q(error="") & Q(last_received_at__lt=row_sets.clock() - SILENT)
    return list(rows.exclude(silent).values_list("pk", flat=True))


def _open(hooks: Sequence[int]) -> int:
    """Return the number of missed deliveries that may still arrive."""
    found = Missed.objects.filter(watched__in=hooks)
    return found.filter(state__in=[MissedState.FOUND, MissedState.ASKED]).count()


def _fetchable(watched: WatchedHook, skipped: Sequence[int]) -> list[Missed]:
    """Return the oldest that GitHub may still show, whether it was asked for it or not."""
    rows = watched.missed.exclude(state=MissedState.ARRIVED).exclude(pk__in=skipped)
    kept = rows.filter(delivered_at__gt=row_sets.clock() - retention()).exclude(
        reason__in=[FORGOTTEN, NO_PAYLOAD]
    )
    return list(kept.order_by("delivered_at")[:1])


def _failed_alike(watched: WatchedHook, hooks: Sequence[int], error: UpstreamError) -> list[WatchedHook]:
    """Return those of the hooks that fail: this one, or all of a credential that GitHub does not accept.

    After several requests with a wrong credential GitHub refuses right ones, too.
    https://docs.github.com/rest/authentication/authenticating-to-the-rest-api#failed-login-limit
    """
    if not isinstance(error, UnauthorizedError):
        return [watched]
    of_app = Q(kind=HookKind.APP)
    return list(WatchedHook.objects.filter(of_app if watched.kind == HookKind.APP else ~of_app, pk__in=hooks))


async def _failed(hooks: Sequence[WatchedHook], error: Exception) -> dict[str, int]:
    """Store and log why hooks failed; return it as a failure of the operation."""
    logger.warning("recovery failed hook=%d error=%s", hooks[0].hook_id, error)
    rows = WatchedHook.objects.filter(pk__in=[one.pk for one in hooks])
    await database.run(rows.update, error=str(error))
    return {str(error) if len(hooks) > 1 else f"hook {hooks[0].hook_id}: {error}": len(hooks)}
