"""Invariants of every fault: a delivery answered 2xx has a row, and every row becomes terminal."""

import asyncio
from collections import Counter
from collections.abc import Callable

from tests import servers
from tests.chaos import ledger, stored
from tests.chaos.sender import Answer, Sender

# Seconds: GitHub gives up after ten. The suite runs several parts at once, on machines that have more to do.
ANSWERED_WITHIN = 9.0 if servers.full_counts else 20.0
ENDED_WITHIN = 120.0

TERMINAL = {"succeeded", "ignored", "invalid", "dead"}


def kept(database: str, *senders: Sender) -> None:
    """Assert that every delivery with a 2xx has a row."""
    promised = set[str]().union(*(sender.promised() for sender in senders))
    lost = promised - ledger.rows(database).keys()
    assert not lost, f"{len(lost)} of {len(promised)} promised deliveries have no row"


def timely(
    *senders: Sender,
    within: float = ANSWERED_WITHIN,
    seconds: Callable[[Answer], float] = lambda answer: answer.seconds,
) -> None:
    """Assert that every answer came before GitHub gives up, and that each 503 has a Retry-After.

    `seconds` returns the time that an answer took.
    """
    answers = [answer for sender in senders for answer in sender.answers]
    assert [answer for answer in answers if seconds(answer) >= within] == []
    refused = [answer for answer in answers if answer.status == 503]
    assert [
        answer for answer in refused if not answer.retry_after.isdigit() or not int(answer.retry_after)
    ] == []


def each_succeeded_once(database: str, *handlers: str) -> None:
    """Assert that every delivery succeeded at its first attempt, with one run of each handler and one effect.

    All deliveries are different pushes; `handlers` names all handlers.
    """
    count = len(ledger.rows(database))
    assert ledger.execute(
        database, "SELECT status, attempts, count(*) FROM receiver_delivery GROUP BY status, attempts"
    ) == [("succeeded", 1, count)]
    assert ledger.execute(
        database,
        "SELECT handler, outcome, attempt, count(*) FROM receiver_handlerrun GROUP BY 1, 2, 3 ORDER BY 1",
    ) == [(handler, "succeeded", 1, count) for handler in sorted(handlers)]
    assert ledger.execute(database, "SELECT count(*), count(DISTINCT ref) FROM records_push") == [
        (count, count)
    ]
    assert ledger.execute(database, "SELECT count(*) FROM records_commit") == [(stored.COMMITS * count,)]


async def ended(database: str, within: float = ENDED_WITHIN) -> Counter[str]:
    """Wait until every row is terminal, acknowledged or not; return how many have each status."""
    statuses: Counter[str] = Counter()
    try:
        async with asyncio.timeout(within):
            while True:
                statuses = await asyncio.to_thread(ledger.statuses, database)
                if set(statuses) <= TERMINAL:
                    return statuses
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not all terminal within {within:g} s: {dict(statuses)}") from None
