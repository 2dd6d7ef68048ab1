"""A journal that handlers write: runs that began and ended, and effects. Tests read it with `journal`.

Workers import it, so it imports nothing of the tests. They coalesce the writes. The clock is the database's.
"""

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection, transaction

from database import Coalescer
from handlers import DeliveryContext
from schemas.push import PushEvent


class Entry(NamedTuple):
    """One line. `at` is in seconds since 1970; `number` is the push's.

    `process` is the worker's id, also where its isolating process writes.
    """

    what: str
    guid: str
    repository: int
    number: int
    attempt: int
    process: int
    at: float = 0.0


@transaction.atomic
def _write(lines: Sequence[Entry]) -> Sequence[None]:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO journal (what, guid, repository, number, attempt, process) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [line[:-1] for line in lines],
        )
    return [None] * len(lines)


@transaction.atomic
def _effect(guids: Sequence[str]) -> Sequence[None]:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO effect (guid) VALUES (%s) ON CONFLICT DO NOTHING",
            [(guid,) for guid in sorted(guids)],
        )
    return [None] * len(guids)


# The worker runs the isolating process as a module; arq's command is a script.
_worker = os.getppid() if sys.modules["__main__"].__spec__ else os.getpid()
_written = Coalescer(_write)
have_effect = Coalescer(_effect)


async def write(what: str, event: PushEvent, delivery: DeliveryContext) -> None:
    """Write a line; it is durable when this returns."""
    branch = event.ref.rpartition("/")[2]
    number = int(branch) if branch.isdecimal() else -1
    line = Entry(what, str(delivery.guid), event.repository.id, number, delivery.attempt, _worker)
    await _written(line)
