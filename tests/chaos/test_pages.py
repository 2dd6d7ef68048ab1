"""The console's pages on a large ledger: each of their statements uses an index."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from console import records
from ledger import aggregates, counting, filters, halves, outcomes, overview, paging, search, unmatched
from ledger.counting import CAP
from ledger.filters import CONDITIONS
from ledger.halves import Reach
from ledger.keys import Key
from ledger.models import Kind, Operation, Replay
from ledger.selection import PORTION, Selection
from receiver.models import Delivery, HandlerRun
from records.models import Commit, Push, Repository
from tests.chaos import ledger as ledgers
from tests.chaos.large import REPLAYED, explained, read, scans

pytestmark = [pytest.mark.only("postgresql"), pytest.mark.django_db(transaction=True)]

NOW = datetime.now(UTC)
CHOSEN = {
    "status": ["succeeded", "dead", "retrying"], "event": ["push", "star"], "action": ["opened"],
    "repository": ["A/b", "no/such"], "number": ["12"], "sender": ["person-7", "nobody"],
    "source": ["-", "acme"],
    "hook": ["7"], "guid": ["72d3162e-cc78-11e3-81ab-4c9367dc0958"],
    "handler": ["push.announce", "no.handler"], "operation": ["1", "2"],
    "error": ["route"], "since": ["24h"], "until": ["24h"],
}  # fmt: skip
# The tables that grow; one that is empty in the large ledger is read whole.
TABLES = (
    "receiver_delivery", "receiver_handlerrun", "records_commit", "records_push", "ledger_aggregate",
    "ledger_replay",
)  # fmt: skip
FILTERS: list[dict[str, str]] = [{}, *({name: value} for name in CHOSEN for value in CHOSEN[name])]


def test_every_filter_is_tried() -> None:
    assert CHOSEN.keys() == CONDITIONS.keys()


def asked(ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return the statements about the tables that grow, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in TABLES):
            found.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        ask()
    return found


def newest_open(large: str) -> Key:
    """Return the key of the last open delivery that a filter looks at."""
    [row] = ledgers.execute(
        large,
        "SELECT received_at, id FROM receiver_delivery WHERE finished_at IS NULL"
        f" ORDER BY received_at DESC, id DESC OFFSET {halves.MAX_SEARCHED - 1} LIMIT 1",
    )
    return Key(*row)


async def _list(parameters: dict[str, str], floor: Key) -> None:
    """Ask for what a list shows: two pages, the number of all and of new ones."""
    chosen = filters.parse(parameters, NOW)
    rows, place = filters.deliveries(chosen), Key(NOW - timedelta(hours=20), 10**6)
    # The ledger that is asked is empty, and the one that explains is not.
    assert await halves.reach(chosen) == halves.EVERYTHING
    bounded = {"guid", "since", "until", "operation"}
    reach = halves.Reach(open=floor if parameters.keys() - bounded else None)
    await paging.newest(rows.only("guid", "received_at"), reach=reach)
    await paging.before(rows.only("guid", "received_at"), place, reach=reach)
    await counting.chosen(chosen, reach)
    await counting.deliveries(rows.filter(place.newer), reach, 999)


@pytest.mark.parametrize("parameters", FILTERS, ids=str)
def test_a_list_and_its_counts_use_indexes(large: str, parameters: dict[str, str]) -> None:
    floor = newest_open(large)
    for sql, values in asked(lambda: async_to_sync(_list)(parameters, floor)):
        nodes = explained(large, sql, values)
        assert scans(nodes) == [], sql
        assert read(nodes) <= 3 * CAP, sql
        if sql.endswith(f"LIMIT {paging.SIZE + 1}"):
            assert read(nodes) <= 2 * halves.MAX_SEARCHED, sql


def test_the_outcomes_of_a_replay_read_its_deliveries_alone(large: str) -> None:
    operation = Operation(pk=1, kind=Kind.REPLAY)
    [(sql, values)] = asked(lambda: async_to_sync(outcomes.of)(operation))
    nodes = explained(large, sql, values)
    assert scans(nodes) == [], sql
    assert read(nodes) == REPLAYED, sql


def test_the_next_dead_deliveries_to_replay_are_found_by_an_index(large: str) -> None:
    [(sql, values)] = asked(lambda: Selection({"filter": {"status": "dead"}, "after": 0, "newest": 2**62,
                                               "at": NOW.isoformat()}).take(None))  # fmt: skip
    assert read(explained(large, sql, values)) <= PORTION, sql


def test_the_overview_and_what_is_unmatched_use_indexes(large: str) -> None:
    found = [*asked(lambda: overview.read(NOW)), *asked(lambda: async_to_sync(unmatched.unmatched)(NOW))]
    assert len(found) == 8
    for sql, values in found:
        # One row says how far is aggregated, and one counts the rejections of a reason and day.
        small = {"ledger_aggregateduntil", "receiver_rejectioncount"}
        assert set(scans(explained(large, sql, values))) <= small, sql


def test_the_aggregates_of_a_minute_read_nothing_else(large: str) -> None:
    begin = NOW - timedelta(hours=1)

    def aggregate() -> None:
        aggregates._at("received_at", begin)
        aggregates._at("finished_at", begin)
        aggregates._at("received_at", begin, aggregates.MAX_DELIVERIES)
        aggregates._counted(begin, begin + aggregates.MINUTE)

    found = asked(aggregate)
    assert len(found) == 8
    for sql, values in found:
        nodes = explained(large, sql, values)
        assert scans(nodes) == [], sql
        assert read(nodes) <= 1, sql


def test_a_delivery_and_the_search_for_a_hash_use_indexes(large: str) -> None:
    runs = HandlerRun.objects.filter(delivery=5)
    replays = Replay.objects.filter(delivery=5).order_by("-pk")
    commits = Commit.objects.filter(sha__gte="abc", sha__lt="abcg").order_by("sha")
    guids = Delivery.objects.filter(guid__range=search.Sha("abcdef0").guids).order_by("guid")
    for rows in (Delivery.objects.filter(pk=5), guids, runs.order_by("-pk"), replays, commits):
        sql, values = rows.query.sql_with_params()
        assert scans(explained(large, sql, values)) == [], sql


REPOSITORY = Repository(pk=1, github_id=1, full_name="a/b", previous_full_name="a/old")


async def _commit(_reach: Reach) -> None:
    """Ask for what a commit's page shows."""
    sha = "c4ca4238a0b923820dcc509a6f75849b"
    await Commit.objects.filter(repository=REPOSITORY, sha=sha).afirst()
    carried = [Push(pushed_at=NOW - timedelta(hours=23))]
    assert [push async for push in records.pushes(Commit(pk=1))] == []
    await records.carriers(REPOSITORY, sha, carried)


async def _numbered(reach: Reach) -> None:
    """Ask for the deliveries of an issue's page, and for the number of others on that of one of them."""
    await records.about(REPOSITORY, 12, reach)
    others = filters.parse({"repository": "a/b", "number": "12"}, NOW)
    await counting.deliveries(filters.deliveries(others), reach, 99)


@pytest.mark.parametrize(("ask", "statements"), [(_commit, 4), (_numbered, 5)])
def test_a_commit_and_an_issue_use_indexes(
    large: str, ask: Callable[[Reach], Awaitable[None]], statements: int
) -> None:
    reach = Reach(open=newest_open(large))
    found = asked(partial(async_to_sync(ask), reach))
    assert len(found) == statements
    for sql, values in found:
        nodes = explained(large, sql, values)
        assert scans(nodes) == [], sql
        assert read(nodes) <= 2 * halves.MAX_SEARCHED, sql
