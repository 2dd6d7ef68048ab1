"""Hooks that fell silent: they delivered regularly, and then stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from ledger.rates import stored_time

# Hooks that are looked at, in the order of their ids.
MAX_HOOKS = 500
# A hook is silent when nothing came for a day, and for five times its usual pause, the mean of its last ten.
# After a month it is no longer reported.
SILENT_AFTER = timedelta(days=1)
USUAL_PAUSES = 5
PAUSES = 10
FORGOTTEN_AFTER = timedelta(days=30)

# Each hook costs three reads of the index of hooks, however many deliveries it has.
_HOOKS = """
WITH RECURSIVE hook (id) AS (
    SELECT MIN(hook_id) FROM receiver_delivery WHERE finished_at IS NOT NULL AND hook_id > 0
    UNION ALL
    SELECT (SELECT MIN(hook_id) FROM receiver_delivery WHERE finished_at IS NOT NULL AND hook_id > hook.id)
    FROM hook WHERE hook.id IS NOT NULL
),
known AS (SELECT id FROM hook WHERE id IS NOT NULL LIMIT %s),
heard AS (
    SELECT id,
        (SELECT received_at FROM receiver_delivery WHERE finished_at IS NOT NULL AND hook_id = known.id
            ORDER BY received_at DESC, id DESC LIMIT 1) AS newest,
        (SELECT received_at FROM receiver_delivery WHERE finished_at IS NOT NULL AND hook_id = known.id
            ORDER BY received_at DESC, id DESC LIMIT 1 OFFSET %s) AS earlier
    FROM known
)
SELECT id, newest, earlier, (
    SELECT repository FROM receiver_delivery WHERE finished_at IS NOT NULL AND hook_id = heard.id
    ORDER BY received_at DESC, id DESC LIMIT 1
)
FROM heard WHERE earlier IS NOT NULL AND newest < %s AND newest > %s
"""


@dataclass(frozen=True, slots=True)
class Silent:
    """A hook, when it delivered last, and how long it usually paused before."""

    hook: int
    repository: str
    newest: datetime
    usually: timedelta


def is_silent(now: datetime, newest: datetime, usually: timedelta) -> bool:
    """Return whether a hook fell silent: pure."""
    return SILENT_AFTER < now - newest < FORGOTTEN_AFTER and now - newest > USUAL_PAUSES * usually


def silent(now: datetime) -> Sequence[Silent]:
    """Return the hooks that fell silent, the latest first, in one statement."""
    limits = [now - SILENT_AFTER, now - FORGOTTEN_AFTER]
    with connection.cursor() as cursor:
        given = [connection.ops.adapt_datetimefield_value(limit) for limit in limits]
        cursor.execute(_HOOKS, [MAX_HOOKS, PAUSES, *given])
        rows = [
            (pk, stored_time(newest), stored_time(earlier), name)
            for pk, newest, earlier, name in cursor.fetchall()
        ]
    found = [Silent(pk, name, newest, (newest - earlier) / PAUSES) for pk, newest, earlier, name in rows]
    chosen = [one for one in found if is_silent(now, one.newest, one.usually)]
    return sorted(chosen, key=lambda one: one.newest, reverse=True)
