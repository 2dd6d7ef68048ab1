"""Pages while the database does not answer."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests import processes
from tests.console.conftest import SETTINGS, Console
from tests.console.visitors import Visitor, words

WAITING = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.mark.once
def test_an_outage_is_logged_once_with_its_reason_for_metrics_and_api(tmp_path: Path) -> None:
    log = tmp_path / "log"
    away = f"postgresql://postgres@127.0.0.1:{processes.free_port()}/none"
    token = f"Bearer hk_{'0' * 16}_{'0' * 43}"
    with processes.console(log, DATABASE_URL=away, **SETTINGS) as url, ThreadPoolExecutor(4) as threads:
        paths = ["/metrics", "/api/v1/deliveries"] * 2
        answers = list(threads.map(lambda path: Visitor(url).get(path, Authorization=token), paths))
    assert [answer.status for answer in answers] == [503] * 4
    assert [answer for answer in answers if "refused" in answer.text] == []
    lines = [line for line in log.read_text().splitlines() if "INFO" not in line]
    events = [" ".join(line.split()[3:5]) for line in lines]
    assert set(events) == {"error connecting", "not answered"}
    # A busy machine may take longer than the time after which the outage is logged again.
    assert events.count("not answered") < len(paths)
    assert "refused" in lines[events.index("error connecting")]


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
        assert "Overview Deliveries Operations" in words(answer.text)
        assert "The database does not answer" in answer.text
        other.rollback()
        assert console.viewer.get("/deliveries").status == 200
