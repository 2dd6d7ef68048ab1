"""A week of deliveries with their handler runs, copied in the database from one stored row."""

import psycopg
from psycopg import sql

# Every value is computed from the number of the row, so each run measures the same ledger of a busy
# organisation: a thousand repositories, 2,000 people, 50 hooks; 2% died, 2% had no handler, and one of 2,000
# waits. The person, the hook, the source, the event and the action `rare` are in one of 100,000 deliveries.
_RARE = "n % 100000 = 5"
_NUMBERED = "n % 10 IN (4, 5, 6)"
_COLUMNS = {
    "guid": "gen_random_uuid()",
    "received_at": "now() - n * {step}",
    "next_attempt_at": "CASE WHEN n % 2000 = 7 THEN now() + interval '1 hour' END",
    "finished_at": "CASE WHEN n % 2000 <> 7 THEN now() - n * {step} + interval '90 milliseconds' END",
    "status": "CASE WHEN n % 2000 = 7 THEN 'retrying' WHEN n % 50 = 1 THEN 'dead'"
    " WHEN n % 50 = 2 THEN 'ignored' WHEN n % 500 = 3 THEN 'invalid' ELSE 'succeeded' END",
    "error": "CASE WHEN n % 50 = 1 OR n % 2000 = 7"
    " THEN 'push.announce: OSError: no route to 10.0.0.' || n % 200"
    " WHEN n % 500 = 3 THEN 'commits.0.id: a string of 40 characters is missing' ELSE '' END",
    "attempts": "1",
    "worker": "'host:1:abc'",
    "repository": "'harbour-works/tide-tables-' || n % 1000",
    "repository_id": "810200300 + n % 1000",
    "sender": f"CASE WHEN {_RARE} THEN 'rare' ELSE 'person-' || (n * 7919) % 2000 END",
    "hook_id": f"CASE WHEN {_RARE} THEN 999 ELSE 100 + (n * 104729) % 50 END",
    "source": f"CASE WHEN {_RARE} THEN 'rare' WHEN n % 20 = 0 THEN 'acme' ELSE '' END",
    "event": f"CASE WHEN {_RARE} THEN 'rare' WHEN n % 10 < 4 THEN 'push' WHEN n % 10 < 6 THEN 'pull_request'"
    " WHEN n % 10 = 6 THEN 'issues' ELSE 'check_run' END",
    "action": f"CASE WHEN {_RARE} THEN 'rare' WHEN n % 10 < 4 THEN '' WHEN n % 10 < 7 THEN"
    " (ARRAY['opened', 'closed', 'edited', 'labeled'])[1 + n % 4] ELSE 'completed' END",
    "number": f"CASE WHEN {_NUMBERED} THEN n % 5000 END",
}
_RUNS = """
INSERT INTO receiver_handlerrun (
    delivery_id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, superseded
)
SELECT id, CASE WHEN event = 'rare' THEN 'rare.record' ELSE event || '.record' END, 1, 'delivery',
    CASE WHEN status = 'succeeded' THEN 'succeeded' ELSE 'failed' END, received_at, 0.02, error,
    CASE WHEN error = '' THEN '' ELSE 'Traceback of ' || error END, false
FROM receiver_delivery WHERE status NOT IN ('ignored', 'invalid')
"""


def fill(url: str, rows: int) -> None:
    """Store `rows` deliveries, the newest now and the oldest a week ago, and their runs.

    The table must hold one row to copy headers and body from. Statistics and visibility are updated and dirty
    pages are written, so that the measurement does not pay for them.
    """
    step = sql.SQL("interval '{} microseconds'").format(sql.SQL(str(7 * 86_400 * 1_000_000 // rows)))
    with psycopg.connect(url, autocommit=True) as connection:
        [template] = connection.execute("SELECT id FROM receiver_delivery LIMIT 1").fetchone() or [0]
        names = [
            str(name)
            for (name,) in connection.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'receiver_delivery' AND column_name <> 'id'"
            )
        ]
        connection.execute(
            sql.SQL(
                "INSERT INTO receiver_delivery ({names}) SELECT {values} FROM receiver_delivery AS template,"
                # The newest row is the last one, as it is in a ledger.
                " LATERAL (SELECT {rows} - i AS n FROM generate_series(1, {rows}::bigint) AS i) AS numbers"
                " WHERE template.id = {template}"
            ).format(
                names=sql.SQL(", ").join(map(sql.Identifier, names)),
                values=sql.SQL(", ").join(
                    sql.SQL(_COLUMNS[name]).format(step=step)
                    if name in _COLUMNS
                    else sql.Identifier("template", name)
                    for name in names
                ),
                rows=sql.Literal(rows),
                template=sql.Literal(template),
            )
        )
        connection.execute("DELETE FROM receiver_delivery WHERE id = %s", [template])
        connection.execute(_RUNS)
        connection.execute("VACUUM (ANALYZE) receiver_delivery, receiver_handlerrun")
        connection.execute("CHECKPOINT")
