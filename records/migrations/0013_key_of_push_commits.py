"""Drops the surrogate key of a commit's place in a push: a third index entry that no statement uses.

The version before names neither the column nor its index, so it goes on while this runs. See
docs/decisions/0054.
"""

from typing import Any

from django.db import migrations, models

# The new index is built beside the inserts, and each of the steps after it is instantaneous.
POSTGRESQL = (
    "DROP INDEX CONCURRENTLY IF EXISTS pushcommit_key",  # of an attempt that was ended
    "CREATE UNIQUE INDEX CONCURRENTLY pushcommit_key ON records_pushcommit (push_id, commit_id)",
    """ALTER TABLE records_pushcommit DROP CONSTRAINT push_commit, DROP COLUMN id,
    ADD CONSTRAINT pushcommit_key PRIMARY KEY USING INDEX pushcommit_key""",
)
SQLITE = (
    """CREATE TABLE pushcommit_new (push_id bigint NOT NULL, commit_id bigint NOT NULL,
    position integer unsigned NOT NULL CHECK (position >= 0), PRIMARY KEY (push_id, commit_id))""",
    "INSERT INTO pushcommit_new SELECT push_id, commit_id, position FROM records_pushcommit",
    "DROP TABLE records_pushcommit",
    "ALTER TABLE pushcommit_new RENAME TO records_pushcommit",
    "CREATE INDEX records_pushcommit_commit_id ON records_pushcommit (commit_id)",
)


def change(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for statement in POSTGRESQL:
            schema_editor.execute(statement)
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        for statement in SQLITE:
            cursor.execute(statement)
        cursor.execute("COMMIT")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("records", "0012_commits_by_hash"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(change)],
            state_operations=[
                migrations.RemoveConstraint(model_name="pushcommit", name="push_commit"),
                migrations.RemoveField(model_name="pushcommit", name="id"),
                migrations.AddField(
                    model_name="pushcommit",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "push", "commit", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
    ]
