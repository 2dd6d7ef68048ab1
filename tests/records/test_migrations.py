"""An upgrade from an early version keeps every row, and ends with the tables of a new database."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

OLD = "0004_rows_without_lookups"
WITH_SERVERS = "0005_servers"
FIRST = "0001_initial"
APPS = ("receiver", "records", "ledger")
AT = "2026-05-04 09:00:00+00:00"
SHA = "a" * 40
# Rows of the previous version, in plain SQL, because its models no longer exist.
WRITTEN: list[tuple[str, dict[str, Any]]] = [
    ("repository", {"id": 1, "github_id": 7, "full_name": "a/b", "previous_full_name": "", "private": False,
                    "archived": False, "deleted": False, "default_branch": "main", "updated_at": AT}),
    ("hook", {"id": 1, "hook_id": 61, "repository_id": 1, "organization": "", "events": "[]",
              "content_type": "json", "active": True, "last_ping_at": AT}),
    ("commit", {"id": 1, "repository_id": 1, "sha": SHA, "message": "m", "author_name": "",
                "author_email": "",
                "committed_at": AT}),
    ("push", {"id": 1, "repository_id": 1, "ref": "refs/heads/main", "before": "0" * 40, "after": SHA,
              "forced": False, "created": True, "deleted": False, "truncated": False, "head_commit_sha": SHA,
              "pusher": "", "pushed_at": AT}),
    ("ref", {"id": 1, "repository_id": 1, "name": "refs/heads/main", "head_sha": SHA,
             "previous_sha": "0" * 40,
             "deleted": False, "last_push_id": 1, "pushed_at": AT}),
    ("issue", {"id": 1, "repository_id": 1, "number": 3, "title": "t", "state": "open", "state_reason": "",
               "author": "", "locked": False, "labels": "[]", "assignees": "[]", "milestone": "",
               "pinned": False, "deleted": False, "transferred_to": "", "updated_at": AT}),
    ("issuecomment", {"id": 1, "repository_id": 1, "github_id": 9, "number": 3, "on_pull_request": False,
                      "author": "", "body": "b", "deleted": False, "updated_at": AT}),
    ("pullrequestreview", {"id": 1, "repository_id": 1, "github_id": 9, "number": 3, "author": "",
                           "state": "approved", "body": "", "commit_sha": SHA, "updated_at": AT}),
    ("release", {"id": 1, "repository_id": 1, "github_id": 9, "tag_name": "v1", "target": "", "name": "",
                 "body": "", "author": "", "draft": False, "prerelease": False, "deleted": False,
                 "published_at": AT, "updated_at": AT}),
    ("workflowrun", {"id": 1, "repository_id": 1, "github_id": 9, "run_attempt": 1, "name": "", "event": "",
                     "head_branch": "", "head_sha": SHA, "status": "completed", "conclusion": "success",
                     "actor": "", "updated_at": AT}),
    ("checkrun", {"id": 1, "repository_id": 1, "github_id": 9, "name": "n", "head_branch": "",
                  "head_sha": SHA,
                  "app": "", "status": "completed", "conclusion": "success", "updated_at": AT}),
]  # fmt: skip

SQLITE = """SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL
    AND (tbl_name LIKE 'receiver_%' OR tbl_name LIKE 'records_%' OR tbl_name LIKE 'ledger_%')"""
POSTGRESQL = """WITH tables AS (
    SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(receiver|records|ledger)_'
) SELECT relname || '.' || attname, concat_ws(
    ' ', format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(adbin, adrelid)
) FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL SELECT conname, pg_get_constraintdef(pg_constraint.oid)
FROM tables JOIN pg_constraint ON conrelid = tables.oid AND contype <> 'n'
UNION ALL SELECT indexname, indexdef FROM tables JOIN pg_indexes ON tablename = relname"""


@pytest.fixture
def old(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """Yield a separate database with the tables and rows of the previous version."""
    name = ":memory:"
    if connection.vendor == "postgresql":
        name = "records_of_the_version_before"
        run(connection, f"CREATE DATABASE {name}")
    # A test may use a connection that is in no settings.
    there = type(connections["default"])(
        {**connection.settings_dict, "NAME": name, "OPTIONS": options()}, "old"
    )
    connections["old"] = there
    try:
        step_by_step(there).migrate([("records", OLD), ("receiver", FIRST), ("ledger", FIRST)])
        for table, row in WRITTEN:
            marks = ", ".join(["%s"] * len(row))
            run(there, f"INSERT INTO records_{table} ({', '.join(row)}) VALUES ({marks})", *row.values())
        yield there
    finally:
        BaseDatabaseWrapper.close(there)  # SQLite's own leaves a database in memory open
        del connections["old"]
        if connection.vendor == "postgresql":
            run(connection, f"DROP DATABASE {name}")


def options() -> dict[str, Any]:
    """Return the options of the run's database, without a pool of connections."""
    return {name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"}


def run(there: BaseDatabaseWrapper, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with there.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


def migrate(there: BaseDatabaseWrapper) -> None:
    executor = MigrationExecutor(there)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] in APPS])


def step_by_step(there: BaseDatabaseWrapper) -> MigrationExecutor:
    """Return an executor that knows the steps of early versions, and takes none for replaced."""
    executor = MigrationExecutor(there)
    executor.loader = MigrationLoader(there, replace_migrations=False)
    return executor


def structure(there: BaseDatabaseWrapper) -> set[tuple[str, ...]]:
    """Return columns, constraints and indexes, each as its name and the parts of its definition."""
    found = set()
    for name, definition in run(there, POSTGRESQL if there.vendor == "postgresql" else SQLITE):
        # SQLite keeps the text of the statement, and a migration may add a column in another place.
        if definition.startswith("CREATE TABLE"):
            definition = definition.partition("(")[2].rpartition(")")[0]  # noqa: PLW2901
        found.add((name, *sorted(" ".join(definition.replace('"', "").split()).split(", "))))
    return found


@pytest.mark.full("sqlite")  # a step that is new runs on the empty database of every run
def test_what_was_recorded_is_of_github_com_and_every_row_stays(old: BaseDatabaseWrapper) -> None:
    step_by_step(old).migrate([("records", WITH_SERVERS)])
    again = "INSERT INTO records_hook ({}) VALUES (%s, %s, 61, '', '[]', '', true, CURRENT_TIMESTAMP)".format(
        "id, server, hook_id, organization, events, content_type, active, last_ping_at"
    )
    run(old, again, 2, "git.example")
    with pytest.raises(IntegrityError):
        run(old, again, 3, "github.com")
    # The migration can be reversed while no id occurs twice.
    run(old, "DELETE FROM records_hook WHERE id = 2")
    step_by_step(old).migrate([("records", OLD)])
    assert run(old, "SELECT github_id FROM records_repository") == [(7,)]
    migrate(old)
    assert len(structure(old)) > 90
    # The run's database was migrated at once, by what replaces the steps.
    assert structure(old) == structure(connection)
    for table, row in WRITTEN:
        assert run(old, f"SELECT id FROM records_{table}") == [(row["id"],)]
    if old.vendor == "postgresql":
        # Their writers have just written what they refer to; a check would look it up and lock it again.
        names = [f"records_{name}" for name in ("commit", "issue", "pullrequest", "push", "ref")]
        checks = "SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])"
        assert run(old, checks, names) == []
    for table in ("repository", "hook"):
        assert run(old, f"SELECT server FROM records_{table}") == [("github.com",)]


@pytest.mark.full
def test_all_later_steps_can_be_reversed(old: BaseDatabaseWrapper) -> None:
    migrate(old)
    step_by_step(old).migrate([("records", OLD)])
    assert run(old, "SELECT github_id FROM records_repository") == [(7,)]
