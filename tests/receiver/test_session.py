"""A session of PostgreSQL: it ends with its connection, and an answer belongs to its own statement."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio
from django.db import connection

from receiver import session
from receiver.postgresql import connection_parameters
from receiver.session import Session

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no sessions"),
]

WITHIN = 30  # seconds: the machine may be slow


class Opened(Session):
    """A session that knows its process of the server."""

    def __init__(self, made: psycopg.AsyncConnection) -> None:
        super().__init__(made)
        self.pid = made.info.backend_pid

    async def end(self) -> None:
        """End the process of the server, and wait for its end."""
        async with await _connect() as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s",
                [WITHIN * 1000, self.pid],
            )


async def _connect() -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(**connection_parameters(), autocommit=True)


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Opened]:
    """Yield a session. Afterwards no statement of it runs at the server."""
    made = Opened(await _connect())
    yield made
    made.close()
    await made.end()


async def test_statements_return_rows_as_text(opened: Opened) -> None:
    rows = await opened.execute(b"SELECT 1, NULL UNION ALL SELECT 2, 'two' ORDER BY 1")
    assert rows == [["1", ""], ["2", "two"]]


async def test_an_error_of_a_statement_leaves_the_session_open(opened: Opened) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await opened.execute(b"SELECT 1 / 0")
    assert await opened.execute(b"SELECT 1") == [["1"]]


async def test_a_statement_larger_than_all_buffers_is_sent_whole(opened: Opened) -> None:
    text = b"x" * (12 * 1024 * 1024)
    assert await opened.execute(b"SELECT length($1::text)", [text]) == [[str(len(text))]]


async def test_a_session_that_the_server_ends_between_statements_is_closed(opened: Opened) -> None:
    await opened.execute(b"SELECT 1")
    await opened.end()
    async with asyncio.timeout(WITHIN):
        while not opened.closed:  # noqa: ASYNC110 - the server is waited for
            await asyncio.sleep(0.01)
    with pytest.raises(psycopg.OperationalError):
        await opened.execute(b"SELECT 1")


async def test_a_statement_fails_when_its_session_is_closed(opened: Opened) -> None:
    statement = asyncio.create_task(opened.execute(b"SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    opened.close()
    with pytest.raises(psycopg.OperationalError):
        await statement


async def test_a_cancelled_statement_leaves_no_answer_to_the_next(opened: Opened) -> None:
    statement = asyncio.create_task(opened.execute(b"SELECT 1"))
    await asyncio.sleep(0)
    statement.cancel()
    with pytest.raises(asyncio.CancelledError):
        await statement
    assert opened.closed


async def test_a_server_that_does_not_answer_in_time_is_cut_off(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ANSWER_WITHIN", 0.05)
    with pytest.raises(session.SlowError):
        await opened.execute(b"SELECT pg_sleep(60)")
    assert opened.closed
