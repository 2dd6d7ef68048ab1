"""The console's pages on a large ledger: each of their statements uses an index."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from ledger import counting, filters, halves, overview, paging, unmatched
from ledger.counting import CAP
from ledger.filters import CONDITIONS
from ledger.keys import Key
from ledger.models import Replay
from receiver.models import Delivery, HandlerRun
from records.models import Commit
from tests.chaos import ledger as ledgers
from tests.chaos.large import explained, read, scans

pytestmark = [pytest.mark.only("postgresql"), pytest.mark.django_db(transaction=True)]

NOW = datetime.now(UTC)
CHOSEN = {
    "status": ["succeeded", "dead", "retrying"], "event": ["push", "star"], "action": ["opened"],
    "repository": ["a/b", "no/such"], "number": ["12"], "sender": ["person-7", "nobody"],
    "source": ["-", "acme"],
    "hook": ["7"], "guid": ["72d3162e-cc78-11e3-81ab-4c9367dc0958"],
    "handler": ["push.announce", "no.handler"],
    "error": ["route"], "since": ["24h"], "until": ["24h"],
}  # fmt: skip
FILTERS: list[dict[str, str]] = [{}, *({name: value} for name in CHOSEN for value in CHOSEN[name])]


def test_every_filter_is_tried() -> None:
    assert CHOSEN.keys() == CONDITIONS.keys()


def asked(ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return the statements about deliveries, runs and commits, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in ("receiver_delivery", "receiver_handlerrun", "records_commit")):
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
        f" ORDER BY received_at DESC, id DESC OFFSET {halves.LOOKED_AT - 1} LIMIT 1",
    )
    return Key(*row)


async def _list(parameters: dict[str, str], floor: Key) -> None:
    """Ask for what a list shows: two pages, the number of all and of new ones."""
    chosen = filters.parse(parameters, NOW)
    rows, place = filters.deliveries(chosen), Key(NOW - timedelta(hours=20), 10**6)
    # The ledger that is asked is empty, and the one that explains is not.
    assert await halves.reach(chosen) == halves.EVERYTHING
    reach = halves.Reach(open=floor if parameters.keys() - {"guid", "since", "until"} else None)
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
            assert read(nodes) <= 2 * halves.LOOKED_AT, sql


def test_the_overview_and_what_is_unmatched_use_indexes(large: str) -> None:
    found = [*asked(lambda: overview.read(NOW)), *asked(lambda: async_to_sync(unmatched.unmatched)(NOW))]
    assert len(found) == 7
    for sql, values in found:
        assert scans(explained(large, sql, values)) == [], sql


def test_a_delivery_and_the_search_for_a_hash_use_indexes(large: str) -> None:
    runs = HandlerRun.objects.filter(delivery=5)
    replays = Replay.objects.filter(delivery=5).order_by("-pk")
    commits = Commit.objects.filter(sha__gte="abc", sha__lt="abcg").order_by("sha")
    for rows in (Delivery.objects.filter(pk=5), runs.order_by("-pk"), replays, commits):
        sql, values = rows.query.sql_with_params()
        # An empty table is read whole, whatever indexes it has.
        assert scans(explained(large, sql, values)) in ([], ["records_commit"], ["ledger_replay"]), sql
