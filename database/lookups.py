"""`filter(pk__any=ids)`: membership in a list that is one parameter; `pk__in` has a parameter for each value.

Django and the driver process each parameter, and `pk__in` makes a new statement for each number of values.
With a query of ids, `pk__any` looks each of them up by the primary key, and `pk__in` is a join, for which
PostgreSQL may read the whole table.
"""

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigAutoField, Lookup, UUIDField
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    Base = Lookup[Any]
else:
    Base = Lookup  # generic only in the stubs


@BigAutoField.register_lookup
@UUIDField.register_lookup
class IsAny(Base):
    """Test whether the column is one of the values, which are a list or a query of one column."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the SQL for SQLite."""
        column, parameters = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, Query):
            query, values = self.process_rhs(compiler, connection)
            return f"{column} IN {query}", [*parameters, *values]
        text = json.dumps([value.hex if isinstance(value, UUID) else value for value in self.rhs])
        return f"{column} IN (SELECT value FROM json_each(%s))", [*parameters, text]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the SQL for PostgreSQL."""
        column, parameters = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, Query):
            query, values = self.process_rhs(compiler, connection)
            return f"{column} = ANY(ARRAY{query})", [*parameters, *values]
        kind = self.lhs.output_field.rel_db_type(connection)
        return f"{column} = ANY(%s::{kind}[])", [*parameters, list(self.rhs)]
