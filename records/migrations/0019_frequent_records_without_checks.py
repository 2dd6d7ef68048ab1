"""Drops the foreign key constraints of the records that arrive most often, and an index of refs.

See docs/decisions/0076. Each constraint goes in a transaction of its own: it locks its two tables, and a
writer that waits for one of them may hold another. SQLite would have to copy the tables, and keeps the
constraints.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

CHECKED = (
    ("Issue", "repository_id"),
    ("PullRequest", "repository_id"),
    ("Push", "repository_id"),
    ("Ref", "repository_id"),
    ("Ref", "last_push_id"),
)


def drop(apps: Any, schema_editor: Any) -> None:
    for name, column in CHECKED if schema_editor.connection.vendor == "postgresql" else ():
        model = apps.get_model("records", name)
        for constraint in schema_editor._constraint_names(model, [column], foreign_key=True):
            schema_editor.execute(schema_editor._delete_fk_sql(model, constraint))
    ref = apps.get_model("records", "Ref")
    for index in schema_editor._constraint_names(ref, ["last_push_id"], index=True):
        schema_editor.execute(schema_editor._delete_index_sql(ref, index))


def unchecked(to: str, related_name: str, **options: Any) -> Any:
    return models.ForeignKey(db_constraint=False, to=to, related_name=related_name, **options)


def of_repository(related_name: str) -> Any:
    cascade = django.db.models.deletion.CASCADE
    return unchecked("records.repository", related_name, on_delete=cascade, db_index=False)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("records", "0018_records_without_a_time"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # The version before works without them.
            database_operations=[migrations.RunPython(drop, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField("issue", "repository", of_repository("issues")),
                migrations.AlterField("pullrequest", "repository", of_repository("pull_requests")),
                migrations.AlterField("push", "repository", of_repository("pushes")),
                migrations.AlterField("ref", "repository", of_repository("refs")),
                migrations.AlterField(
                    "ref",
                    "last_push",
                    unchecked(
                        "records.push",
                        "+",
                        null=True,
                        db_index=False,
                        on_delete=django.db.models.deletion.SET_NULL,
                    ),
                ),
            ],
        ),
    ]
