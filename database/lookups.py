"""`filter(pk__any=ids)`: membership in one parameter, where `pk__in` has one for each value.

Django and the driver look at every parameter, and at the text of a statement, which is new with every number
of them.
"""

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigAutoField, Lookup, UUIDField
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    Base = Lookup[Any]
else:
    Base = Lookup  # generic in the stubs alone


@BigAutoField.register_lookup
@UUIDField.register_lookup
class IsAny(Base):
    """Whether the column is one of the values; none of them may be an expression."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """On SQLite."""
        column, parameters = self.process_lhs(compiler, connection)
        text = json.dumps([value.hex if isinstance(value, UUID) else value for value in self.rhs])
        return f"{column} IN (SELECT value FROM json_each(%s))", [*parameters, text]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """On PostgreSQL."""
        column, parameters = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.rel_db_type(connection)
        return f"{column} = ANY(%s::{kind}[])", [*parameters, list(self.rhs)]
