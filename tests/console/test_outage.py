"""Pages while the database does not answer."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from tests import processes
from tests.console.conftest import Console

WAITING = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connection to lose")
def test_a_page_whose_connection_is_lost_says_that_the_database_does_not_answer(
    console: Console, database_url: str
) -> None:
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(database_url) as other,
        connection.cursor() as cursor,
    ):
        other.execute("LOCK TABLE receiver_delivery")
        asked = thread.submit(console.viewer.get, "/deliveries")

        def cut() -> bool:
            cursor.execute(WAITING)
            return cursor.rowcount > 0 or asked.done()

        processes.wait_until(cut, "the page waits for the lock", 30)
        answer = asked.result(30)
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert "The database does not answer" in answer.text
        other.rollback()
        assert console.viewer.get("/deliveries").status == 200
