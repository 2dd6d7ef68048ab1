"""Reading by id, while transactions take ids and commit in any order."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from ledger.horizon import Horizon
from receiver.models import Delivery
from tests.console.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)

needs_postgresql = pytest.mark.skipif(
    "not config.getoption('--database') == 'postgresql'", reason="SQLite has one writer at a time"
)


@contextmanager
def uncommitted(*, commit: bool = True) -> Iterator[int]:
    """Insert a delivery in another thread; commit or roll back at the end of the context."""
    ids: list[int] = []
    inserted, ended = threading.Event(), threading.Event()

    def insert() -> None:
        with transaction.atomic():
            ids.append(kept().pk)
            inserted.set()
            assert ended.wait(30)
            if not commit:
                transaction.set_rollback(True)
        connection.close()

    thread = threading.Thread(target=insert)
    thread.start()
    try:
        assert inserted.wait(30)
        yield ids[0]
    finally:
        ended.set()
        thread.join()


def test_an_empty_ledger_has_the_horizon_zero() -> None:
    assert Horizon().look() == 0


def test_the_horizon_is_the_newest_delivery() -> None:
    rows = [kept(), kept()]
    assert Horizon().look() == rows[1].pk


@needs_postgresql
@pytest.mark.parametrize("commit", [True, False], ids=["commits", "rolls back"])
def test_it_stays_below_an_id_whose_transaction_is_under_way(commit: bool) -> None:
    first = kept()
    horizon = Horizon()
    assert horizon.look() == first.pk
    with uncommitted(commit=commit) as lower:
        higher = kept()
        assert higher.pk > lower
        assert [horizon.look(), horizon.look()] == [first.pk, first.pk]
        assert horizon.blocked
    assert horizon.look() == higher.pk
    assert Delivery.objects.filter(pk=lower).exists() is commit
    assert not horizon.blocked


@needs_postgresql
def test_transactions_that_begin_later_do_not_hold_it_up() -> None:
    horizon = Horizon()
    with uncommitted():
        higher = kept()
        assert horizon.look() == 0
        with uncommitted() as later:
            pass
        assert later > higher.pk
    with uncommitted():
        assert horizon.look() == higher.pk


def test_a_reader_by_id_sees_each_delivery_once_while_writers_commit_in_any_order() -> None:
    seen: list[int] = []
    horizon = Horizon()
    chance = random.Random(41)  # noqa: S311 - no secret
    waits = [[chance.uniform(0, 0.02) for _ in range(15)] for _ in range(4)]

    def write(pauses: list[float]) -> None:
        for pause in pauses:
            with transaction.atomic():
                kept()
                time.sleep(pause if connection.vendor == "postgresql" else 0)
        connection.close()

    def read() -> None:
        reached = horizon.look()
        rows = Delivery.objects.filter(pk__gt=max(seen, default=0), pk__lte=reached).order_by("pk")
        seen.extend(rows.values_list("pk", flat=True))

    threads = [threading.Thread(target=write, args=(pauses,)) for pauses in waits]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        read()
    for thread in threads:
        thread.join()
    read()
    assert seen == list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    assert len(seen) == 60
