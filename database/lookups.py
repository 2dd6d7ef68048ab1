"""`filter(pk__any=ids)`: membership in one parameter, where `pk__in` has one for each id.

Django and the driver look at every parameter, and at the text of a statement that is new with every number
of them; this is a tenth of a worker's time otherwise.
"""

import json
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigAutoField, Lookup
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    Base = Lookup[Any]
else:
    Base = Lookup  # generic in the stubs alone


@BigAutoField.register_lookup
class IsAny(Base):
    """Whether the column is one of the ids; none of them may be an expression."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """On SQLite."""
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} IN (SELECT value FROM json_each(%s))", [*parameters, json.dumps(list(self.rhs))]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """On PostgreSQL."""
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::bigint[])", [*parameters, list(self.rhs)]
