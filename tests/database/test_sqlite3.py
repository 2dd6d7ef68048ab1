"""Waiting for SQLite's write lock."""

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from receiver.models import RejectionCount

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="it is about SQLite's lock"),
]

WITHIN = 5.0


def in_thread(work: Callable[[], object]) -> Future[object]:
    """Run a function in a thread with its own connection; close the connection afterwards."""

    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(run)


def test_a_cursor_collected_in_the_thread_that_has_the_lock_does_not_keep_the_lock() -> None:
    locked, waiting = threading.Event(), threading.Event()

    def leave_garbage() -> None:
        """Return a cursor with an open statement that only the garbage collector can reach."""
        cursor = connection.connection.execute("SELECT 1 UNION SELECT 2")
        cycle: list[object] = [cursor]
        cycle.append(cycle)

    def wait() -> None:
        connection.ensure_connection()
        gc.disable()
        leave_garbage()
        waiting.set()
        locked.wait()
        RejectionCount.objects.create(reason="method", day="2026-05-04", count=1)

    def hold() -> None:
        waiting.wait()
        with transaction.atomic():
            locked.set()
            time.sleep(0.2)  # until the other thread waits for the lock
            gc.collect()  # would wait until the other thread gives up

    try:
        threads = [threading.Thread(target=in_thread, args=[work]) for work in (wait, hold)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.enable()
    assert RejectionCount.objects.filter(day="2026-05-04").count() == 1


def test_a_lock_that_is_not_freed_in_time_is_an_error() -> None:
    def wait() -> str:
        connection.ensure_connection()
        connection.connection.lock_timeout = 0.2
        with pytest.raises(OperationalError, match="locked"):
            RejectionCount.objects.create(reason="method", day="2026-05-04", count=1)
        return "refused"

    with transaction.atomic():
        assert in_thread(wait).result() == "refused"


def test_a_statement_waits_for_the_lock_of_another_connection() -> None:
    locked = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locked.set()
            time.sleep(0.3)

    holder = threading.Thread(target=in_thread, args=[hold])
    holder.start()
    locked.wait()
    RejectionCount.objects.create(reason="method", day="2026-05-04", count=1)
    holder.join()
    assert RejectionCount.objects.filter(day="2026-05-04").exists()
