"""Copies one stored row many times, by one statement in the database."""

import psycopg
from psycopg import sql

# All other columns are copied: headers, the compressed body, sender, content type.
DIFFERENT = {
    "guid": "gen_random_uuid()",
    "received_at": "now() - n * interval '7 seconds'",
    "next_attempt_at": "NULL",
    "status": "'succeeded'",
    "attempts": "1",
    "finished_at": "now() - n * interval '7 seconds' + interval '90 milliseconds'",
    "repository": "'harbour-works/tide-tables-' || n % 1000",
    "repository_id": "810200300 + n % 1000",
}


def fill(url: str, table: str, rows: int) -> None:
    """Store `rows` processed deliveries of a thousand repositories, seven seconds apart.

    The table must hold a row to copy from. Statistics and visibility are updated and dirty pages are
    written, so that the measurement does not pay for them.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = %s AND column_name <> 'id'",
            [table],
        ).fetchall()
        names = [str(name) for (name,) in found]
        insert = sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {values}"
            " FROM (SELECT * FROM {table} LIMIT 1) AS template, generate_series(1, {rows}) AS n"
        )
        connection.execute(
            insert.format(
                table=sql.Identifier(table),
                names=sql.SQL(", ").join(map(sql.Identifier, names)),
                values=sql.SQL(", ").join(
                    sql.SQL(DIFFERENT[name]) if name in DIFFERENT else sql.Identifier("template", name)
                    for name in names
                ),
                rows=sql.Literal(rows),
            )
        )
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
        connection.execute("CHECKPOINT")
