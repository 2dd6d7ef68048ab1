#!/usr/bin/env python
"""Django's command line, with Hookkeeper's own commands: see docs/reference/commands.md."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command of the arguments. A wrong setting ends it with one line that names the variable."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    import settings  # noqa: PLC0415 - before Django parses the arguments, so that none passes a wrong one

    if sys.argv[1:] in (["--version"], ["version"]):  # Django would print its own
        sys.stdout.write(f"{settings.VERSION}\n")
        return
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
