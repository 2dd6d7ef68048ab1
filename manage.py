#!/usr/bin/env python
"""Django's command line, with Hookkeeper's own commands: see docs/reference/commands.md."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError


def main() -> None:
    """Run the command that the arguments name; a wrong setting ends in one line that names it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    try:
        import settings  # noqa: F401, PLC0415 - read here so that a wrong value is told without a traceback
    except (EnvError, ImproperlyConfigured) as error:
        sys.exit(f"hookkeeper: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
