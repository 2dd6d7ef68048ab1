"""`manage.py migrate`: Django's command under a lock, so that several machines may run it at once."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import Error, connections
from django.db.migrations.exceptions import MigrationSchemaMissing

from database import exclusive, postgresql


class Command(migrate.Command):
    """Waits while another process migrates the same database, then runs Django's command."""

    # The others import every page; `make check` runs them.
    requires_system_checks = (Tags.database, Tags.models)

    help = "Run Django's command, with its options, under a lock: several machines may do so at once."

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run Django's command under the lock, including its system checks, which open the database."""
        connection = connections[options["database"]]
        with ExitStack() as stack:
            try:
                if connection.vendor == "sqlite":
                    folder = Path(connection.settings_dict["NAME"]).parent
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                else:
                    # An index of a large table takes long.
                    postgresql.answer_within(None)
                stack.enter_context(exclusive.lock(connection, self._wait))
                connection.ensure_connection()
            except OSError as error:
                raise CommandError(f"the database's folder cannot be used: {error.strerror}") from error
            except Error as error:
                reason = " ".join(str(error).split())
                raise CommandError(f"the database does not answer: {reason}") from error
            try:
                return super().execute(*args, **options)
            except MigrationSchemaMissing as error:
                reason = " ".join(str(error).split())
                raise CommandError(
                    f"the role of DATABASE_URL may not create tables, see docs/how-to/deploy.md: {reason}"
                ) from error

    def _wait(self) -> None:
        self.stderr.write("another process migrates this database: waiting for it")
