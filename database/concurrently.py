"""Migrations that let the receiver insert while they build an index. See docs/decisions/0042.

PostgreSQL builds the index beside the inserts, outside of a transaction. SQLite locks its file in any case.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import connection
from django.db.migrations import AddConstraint, AddIndex, RemoveIndex

POSTGRESQL = connection.vendor == "postgresql"

AddIndexBeside: type[AddIndex] = AddIndexConcurrently if POSTGRESQL else AddIndex
RemoveIndexBeside: type[RemoveIndex] = RemoveIndexConcurrently if POSTGRESQL else RemoveIndex


class AddUniqueBeside(AddConstraint):
    """`AddConstraint` of a unique constraint over columns, whose index PostgreSQL builds concurrently."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build the index, and make it a constraint."""
        if not POSTGRESQL:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        fields: Sequence[str] = self.constraint.fields  # type: ignore[attr-defined] # it is unique
        quote = schema_editor.quote_name
        columns = ", ".join(quote(model._meta.get_field(name).column) for name in fields)
        table, name = quote(model._meta.db_table), quote(self.constraint.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # of an attempt that was ended
        schema_editor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns})")
        schema_editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")
