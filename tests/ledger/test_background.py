"""Work that a worker repeats beside its deliveries."""

import asyncio

import pytest
from django.db import OperationalError

from ledger import background


async def test_each_outage_is_logged_once_with_what_to_do_and_waited_out() -> None:
    first, second = OperationalError("away"), OperationalError("no such table: a")
    outcomes = iter([first, first, None, second, asyncio.CancelledError()])
    logged: list[str] = []

    async def work() -> None:
        if (error := next(outcomes)) is not None:
            raise error

    with pytest.raises(asyncio.CancelledError):
        await background.repeat(work, 0, logged.append)
    assert logged == [
        "the database does not answer: away",
        "the database does not have the tables of this version: run `manage.py migrate` (no such table: a)",
    ]


async def test_what_is_no_outage_ends_the_work() -> None:
    async def work() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await background.repeat(work, 0, print)


async def test_what_is_due_is_done_before_the_pause_ends() -> None:
    due, outcomes = asyncio.Event(), iter([None, OperationalError("away"), asyncio.CancelledError()])

    async def work() -> None:
        due.clear()
        asyncio.get_running_loop().call_soon(due.set)
        if (error := next(outcomes)) is not None:
            raise error

    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await background.repeat(work, 600, lambda error: None, due)
