#!/usr/bin/env python
"""Django's command line, with Hookkeeper's own commands: see docs/reference/commands.md."""

import gc
import os
import sys

# Commands that run their user's own code, whose errors need the traceback.
OWN_CODE = frozenset({"shell", "test"})
# The exit status of a command whose output nobody reads any more, as shells have it: 128 and SIGPIPE.
UNREAD = 141


def main() -> None:
    """Run the command of the arguments. A wrong setting ends it with one line that names the variable.

    So does a database that is away, takes no writes or has no tables, and a full disk: exit 1. `--traceback`
    shows where it failed. A pipe that its reader closed, as `head` does, ends it without a word.
    """
    # Collections during the imports cost a tenth of the start, and find no garbage.
    gc.disable()
    if sys.stdout is None:  # closed, as with `>&-`
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    # Imported here, so that Ctrl-C during the imports is no traceback either.
    import django  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, connection  # noqa: PLC0415

    import settings  # noqa: PLC0415 - before Django parses the arguments, so that none passes a wrong one

    if sys.argv[1:] in (["--version"], ["version"]):  # Django would print its own
        sys.stdout.write(f"{settings.VERSION}\n")
        return
    django.setup()
    # A command has few threads, which keep their connections; the pool would only delay its errors.
    connection.settings_dict["OPTIONS"].pop("pool", None)
    # The imported objects stay, so no later collection looks at them.
    gc.freeze()
    gc.enable()
    try:
        try:
            execute_from_command_line(sys.argv)
        finally:
            sys.stdout.flush()
    except OSError as error:
        # Python would write what is left, and report that it cannot:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(UNREAD)
        if _wants_traceback():
            raise
        sys.exit(f"CommandError: {error if error.filename else error.strerror or error}")
    except (OperationalError, InterfaceError, InternalError, ProgrammingError) as error:
        if _wants_traceback():
            raise
        from database import errors  # noqa: PLC0415 - most commands end without it

        sys.exit(f"CommandError: {errors.reason(error)}")


def _wants_traceback() -> bool:
    return "--traceback" in sys.argv or bool(OWN_CODE.intersection(sys.argv[1:2]))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        from configuration.stopping import INTERRUPTED

        if engine := sys.modules.get("database.postgresql"):
            engine.cut()
        sys.stderr.write("stopped\n")
        sys.exit(INTERRUPTED)
