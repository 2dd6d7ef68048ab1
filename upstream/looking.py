"""Compares GitHub's list of a hook's deliveries with the ledger, one page at a time."""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import database
from database import row_sets
from upstream import fetching, missing
from upstream.answers import AppAnswer, DeliveryDetail, ListedDelivery
from upstream.client import PAGE_SIZE, Client, Page
from upstream.errors import NotFoundError, RefusedError, UnexpectedAnswerError, UnreachableError
from upstream.models import HookKind, WatchedHook, retention
from upstream.trails import Trail

logger = logging.getLogger(__name__)

# A look goes back as far as GitHub remembers, without this time: asking takes time.
MARGIN = timedelta(hours=2)
# GitHub's list may lag. What it shows of so long ago is taken for complete.
LAG = timedelta(days=1)
# A look begins so long before the end of the last one, by GitHub's clock: its lists may lag, and an App's
# detail may be 404 at first.
OVERLAP = timedelta(hours=1)
# Age from which a detail that is 404 counts as one that GitHub fails to show.
DETAIL_WITHIN = OVERLAP / 2
# The id of a hook that is not known yet, and of one whose detail GitHub fails to show.
UNKNOWN, UNREADABLE = 0, -1
# Details of a page that GitHub fails to show. The next one counts as an outage.
MAX_UNREADABLE = 3


@dataclass(frozen=True, slots=True)
class Look:
    """A look at one hook, between two pages. Times are ISO 8601, so that JSON can hold it.

    They are of GitHub's clock, as those of the deliveries.
    """

    hook: int
    seconds: float | None = None
    """How far it goes back; None for the end of the last one."""
    since: str = ""
    """The same as a time, which the first page tells."""
    next: str = ""
    etag: str = ""
    newest: str = ""
    trail: Sequence[Any] = ()
    """The values of `Trail`."""
    unreadable: int = 0
    """Entries that are not as GitHub documents them, so that they cannot be compared."""

    def as_json(self) -> dict[str, Any]:
        """Return the arguments of `Look(**...)`."""
        return asdict(self)


def reach() -> timedelta:
    """Return how far a look goes back by default."""
    return retention() - MARGIN


def _since(watched: WatchedHook, seconds: float | None, now: datetime) -> datetime:
    """Return the time to which a look goes back, by default where the last one ended."""
    if seconds is not None:
        return now - timedelta(seconds=seconds)
    since = now - reach()
    return max(since, watched.complete_until - OVERLAP) if watched.complete_until else since


async def step(client: Client, watched: WatchedHook, look: Look) -> Look | str:
    """Read one page, and store the missing deliveries. Return the look for the next page.

    At the end, return why the look is incomplete, or "" if it is complete. Pages are followed until the list
    ends, or until all deliveries of a page are older than asked. Raises `UpstreamError` and
    `django.db.Error`.
    """
    url = look.next or f"{watched.path}/deliveries?per_page={PAGE_SIZE}"
    # An unchanged first page has nothing new for a look that goes on where the last one ended.
    etag = watched.etag if not look.next and look.seconds is None else ""
    page = await client.page(url, ListedDelivery, etag=etag)
    now = await _now(page)
    if not look.next:
        newest = max((one.delivered_at for one in page.items), default=None)
        look = replace(look, since=_since(watched, look.seconds, now).isoformat(), etag=page.etag)
        look = replace(look, newest=newest.isoformat() if newest is not None else "")
    since = datetime.fromisoformat(look.since)
    if page.unchanged:
        return await database.run(_looked, watched, look, since, now)
    wanted = [one for one in page.items if one.delivered_at >= since]
    comparable, unreadable = await _compare(client, watched, wanted, now)
    look = replace(look, unreadable=look.unreadable + page.unreadable + unreadable)
    if look.unreadable or not comparable:
        look = replace(look, etag="")
    if page.next and (wanted or not page.items):
        try:
            return replace(look, next=page.next, trail=page.follow(Trail(*look.trail)))
        except UnexpectedAnswerError as error:
            # The deliveries of the pages so far are asked for. The next look goes back as far as this one.
            return await database.run(_ended, watched, str(error))
    return await database.run(_looked, watched, look, since, now)


async def _now(page: Page[ListedDelivery]) -> datetime:
    """Return GitHub's time; the database's where the answer names none."""
    return await database.run(row_sets.clock) if page.date is None else page.date


async def entries(client: Client, watched: WatchedHook, seconds: float) -> AsyncIterator[ListedDelivery]:
    """Yield the missing deliveries of the last seconds, without storing anything."""
    since = None
    async for page in client.pages(f"{watched.path}/deliveries?per_page={PAGE_SIZE}", ListedDelivery):
        since = since or _since(watched, seconds, await _now(page))
        wanted = [one for one in page.items if one.delivered_at >= since]
        for found in (await _missing(client, watched, wanted)).values():
            for one in found:
                yield one
        if page.items and not wanted:
            return


async def _compare(
    client: Client, watched: WatchedHook, listed: Iterable[ListedDelivery], now: datetime
) -> tuple[bool, int]:
    """Store the missing deliveries; return whether all details were there, and how many failed."""
    by_hook = await _missing(client, watched, listed)
    unknown, unreadable = by_hook.pop(UNKNOWN, []), by_hook.pop(UNREADABLE, [])
    unreadable += [one for one in unknown if one.delivered_at < now - DETAIL_WITHIN]
    for hook_id, found in by_hook.items():
        await database.run(missing.add, watched, hook_id, found)
    return not unknown, len(unreadable)


async def _missing(
    client: Client, watched: WatchedHook, listed: Iterable[ListedDelivery]
) -> dict[int, list[ListedDelivery]]:
    """Return by hook id the deliveries that the ledger does not have, whatever their outcome at GitHub."""
    newest = missing.grouped(listed)
    absent = await database.run(missing.absent, newest.keys(), watched.hook_id)
    found = [newest[guid] for guid in newest if guid in absent]
    if watched.kind != HookKind.APP:
        return {watched.hook_id: found}
    return await _of_app(client, watched, found)


async def _of_app(
    client: Client, watched: WatchedHook, listed: Iterable[ListedDelivery]
) -> dict[int, list[ListedDelivery]]:
    """Return the missing deliveries of an App by hook id. Its list names no hook, so the detail of each does.

    A detail may be 404 just after it was listed: its hook is `UNKNOWN`, and the next look comes to it again.
    Raises the error of a detail after `MAX_UNREADABLE` that failed.
    """
    by_hook: dict[int, dict[UUID, ListedDelivery]] = {}
    known = await database.run(missing.known, watched, {one.guid for one in listed})
    for one in listed:
        if one.guid in known:
            by_hook.setdefault(known[one.guid], {})[one.guid] = one
            continue
        try:
            detail = await client.get(f"{watched.path}/deliveries/{one.id}", DeliveryDetail)
        except NotFoundError:
            logger.info("detail not there yet guid=%s", one.guid)
            by_hook.setdefault(UNKNOWN, {})[one.guid] = one
            continue
        except (UnreachableError, RefusedError, UnexpectedAnswerError) as error:
            failed = by_hook.setdefault(UNREADABLE, {})
            failed[one.guid] = one
            if len(failed) > MAX_UNREADABLE:
                raise
            logger.warning("detail not read guid=%s error=%s", one.guid, error)
            continue
        hook_id = fetching.hook_id_of(detail) or watched.hook_id
        by_hook.setdefault(hook_id, {})[one.guid] = one
    found = {}
    for hook_id, ones in by_hook.items():
        absent = await database.run(missing.absent, ones.keys(), hook_id)
        found[hook_id] = [ones[guid] for guid in ones if guid in absent]
    return found


async def require_app(client: Client, watched: WatchedHook) -> None:
    """Raise `RefusedError` unless the credential is that of the App whose hook this is."""
    app = await client.get("/app", AppAnswer)
    if str(app.id) != watched.name:
        raise RefusedError(f"GITHUB_APP_ID is App {app.id}, and the hook belongs to App {watched.name}")


def _ended(watched: WatchedHook, problem: str, **columns: Any) -> str:
    """Store that a look ended, and why it is incomplete; return the reason."""
    if problem:
        logger.warning("look incomplete hook=%d reason=%s", watched.hook_id, problem)
    WatchedHook.objects.filter(pk=watched.pk).update(looked_at=row_sets.clock(), error=problem, **columns)
    return problem


def _looked(watched: WatchedHook, look: Look, since: datetime, now: datetime) -> str:
    """Store that a look came to the end of the list; return why it is incomplete. Times are GitHub's."""
    columns: dict[str, Any] = {}
    before = watched.complete_until
    if before is not None and before > now + OVERLAP:
        # A clock that was ahead set it, so deliveries before it were not compared.
        return _ended(watched, "", complete_until=None, etag="")
    oldest, forgotten = now - reach(), now - retention()
    if before is not None and before < forgotten:
        columns |= {"unknown_from": before, "unknown_until": forgotten}
    # A shorter look leaves a gap before it, which the next one must cover.
    if since <= max(before or oldest, oldest):
        columns["etag"] = look.etag or watched.etag
        newest = [datetime.fromisoformat(look.newest)] if look.newest else []
        columns["complete_until"] = max(now - LAG, before or oldest, *newest)
    entries = f"entries of GitHub's list that cannot be read, and were not compared: {look.unreadable}"
    return _ended(watched, entries if look.unreadable else "", **columns)
