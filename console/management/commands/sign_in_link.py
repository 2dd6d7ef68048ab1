"""Prints a link that signs in to the console once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from configuration import data_folder


class Command(BaseCommand):
    """A new link; the one before it no longer works."""

    help = "Print a link that signs in to the console once, as an admin, from this machine."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def handle(self, **_options: Any) -> None:
        """Write the token where the console looks for it, and print the link."""
        try:
            token = data_folder.new_link(settings.DATA)
        except OSError as error:
            raise CommandError(
                f"the link cannot be written into {settings.DATA}: {error.strerror}"
            ) from error
        run = data_folder.running(settings.DATA)
        console = run.get("console") or f"http://127.0.0.1:{settings.CONSOLE_PORT}"
        self.stdout.write(f"{console}/sign-in/{token}")
