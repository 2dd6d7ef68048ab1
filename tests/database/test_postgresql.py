"""A statement that PostgreSQL does not answer ends in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from database import postgresql
from database.postgresql.base import Connection, DatabaseWrapper
from database.postgresql.limits import ANSWER_WITHIN
from tests import processes

pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="it is about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]

SLEEP = "SELECT pg_sleep(600)"
SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query = %s AND state = 'active'"


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    postgresql.answer_within(seconds)
    try:
        yield
    finally:
        postgresql.answer_within(ANSWER_WITHIN)


@pytest.fixture(autouse=True)
def _the_server_ended_the_statements() -> Iterator[None]:
    """Wait until the server, too, runs none of the statements. One left would hold locks and its snapshot."""
    yield

    def ended() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(SLEEPING, [SLEEP])
            found: tuple[int] = cursor.fetchone()
        return found == (0,)

    processes.wait_until(ended, "the server ends the statements", 30)


@pytest.mark.parametrize("options", [{}, {"pool": {"min_size": 0, "max_size": 1}}], ids=["alone", "pool"])
def test_a_statement_without_an_answer_fails_and_the_next_has_a_new_connection(
    options: dict[str, object],
) -> None:
    own = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"], **options}}
    if not options:
        del own["OPTIONS"]["pool"]
    wrapper = DatabaseWrapper(own, "of this test")
    try:
        with wrapper.cursor() as cursor, limit(0.2), pytest.raises(OperationalError, match=r"within 0\.2"):
            cursor.execute(SLEEP)
        wrapper.close()
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    finally:
        wrapper.close()
        wrapper.close_pool()


def test_a_transaction_whose_statement_is_not_answered_is_left_at_once() -> None:
    own = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"]}}
    del own["OPTIONS"]["pool"]
    wrapper = DatabaseWrapper(own, "of this test")
    wrapper.set_autocommit(False)
    try:
        with wrapper.cursor() as cursor, limit(0.2), pytest.raises(OperationalError):
            cursor.execute(SLEEP)
        with pytest.raises(OperationalError, match="closed"):
            wrapper.rollback()
    finally:
        wrapper.close()


def test_connections_that_were_cut_in_the_pool_cost_the_next_statement_no_pause() -> None:
    with pooled() as wrapper:
        wrapper.pool.open(wait=True)
        for idle in list(wrapper.pool._pool):
            idle.cut()
        # psycopg's own check pauses for 1, 2 and 4 seconds, which is more than the pool may take.
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)


def test_a_pooler_that_takes_connections_and_refuses_statements_is_an_error() -> None:
    class Refused(Connection):
        def execute(self, *_: Any, **__: Any) -> Any:
            raise psycopg.OperationalError("server login has been failing")

    with pooled(connection_class=Refused) as wrapper, pytest.raises(OperationalError, match="login"):
        wrapper.ensure_connection()


@contextmanager
def pooled(**options: object) -> Iterator[DatabaseWrapper]:
    """Connect with a pool of four."""
    pool = {"min_size": 4, "max_size": 4, "timeout": 5, **options}
    own = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"], "pool": pool}}
    wrapper = DatabaseWrapper(own, "of this test")
    try:
        yield wrapper
    finally:
        wrapper.close()
        wrapper.close_pool()
