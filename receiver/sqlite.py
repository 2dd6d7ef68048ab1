"""Writes batches to SQLite: one statement through Django's connection, in one thread of intake's own.

The thread waits for the disk, and for another process's lock, where the event loop must not.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import Error, OperationalError, close_old_connections, connection
from django.utils import timezone

from receiver import rows
from receiver.arrivals import Arrival
from receiver.models import WAKE_GRACE
from receiver.store import DownError, Key, RefusedError, Row, reopen

_COLUMNS = [*rows.VARYING, *rows.BEGINNING, "received_at", "next_attempt_at"]
_ROW = ", ".join([*["%s"] * len(rows.VARYING), *rows.BEGINNING.values(), "%s", "%s"])


class SqliteWriter:
    """One thread, with the connection that Django keeps for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")

    async def write(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        """See `store.Writer`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _write, arrivals, times)

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        """See `store.Writer`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, reopen, ids)

    async def close(self) -> None:
        """See `store.Writer`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _disconnect)
        self._thread.shutdown()


def _disconnect() -> None:
    connection.close()  # looked up here, for every thread has a connection of its own


def _write(arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
    now = timezone.now()
    moments = [
        connection.ops.adapt_datetimefield_value(now),
        connection.ops.adapt_datetimefield_value(now + WAKE_GRACE),
    ]
    parameters: list[object] = []
    for arrival, count in zip(arrivals, times, strict=True):
        guid, *rest = rows.values(arrival, count)
        parameters += [guid.hex, *rest, *moments]
    sql = (
        f"INSERT INTO {rows.TABLE} ({', '.join(_COLUMNS)}) "  # noqa: S608 - names are the model's, values are bound
        f"VALUES {', '.join([f'({_ROW})'] * len(arrivals))} {rows.CONFLICT}"
    )
    close_old_connections()
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)  # type: ignore[arg-type] # the stubs' list of types is not complete
            found = cursor.fetchall()
    except OperationalError as error:
        raise DownError(f"SQLite: {error}") from error
    except (Error, OverflowError) as error:
        raise RefusedError(f"SQLite: {type(error).__name__}") from error
    finally:
        close_old_connections()
    return {(UUID(guid), hook_id): Row(pk, status, seen) for pk, guid, hook_id, status, seen in found}
