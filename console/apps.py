"""The app of the console, which checks the modules of `handlers/` and `schemas/` in `manage.py check`."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register


class ConsoleConfig(AppConfig):
    """Named `console`."""

    name = "console"

    def ready(self) -> None:
        """Register the check. The commands of this project work beside a wrong handler, and do not run it."""
        register(check_handlers, "handlers")


def check_handlers(**_options: Any) -> list[CheckMessage]:
    """Return an error if the worker would not start, because a module breaks a rule of discovery."""
    import handlers  # noqa: PLC0415 - a tenth of the start of a command, and few need them
    from schemas import DiscoveryError  # noqa: PLC0415 - as above

    try:
        handlers.load()
    except DiscoveryError as error:
        return [Error(str(error), hint="See docs/how-to/add-an-event.md.", id="hookkeeper.E001")]
    return []
