"""Explains an error of the database in one line, for the person who runs a command."""

import re

from django.conf import settings

# Errors of SQLite and PostgreSQL about missing tables and columns. A database or a role may be missing, too.
NO_TABLE = re.compile(r"no such (?:table|column)|(?:relation|column) .+ does not exist")
# SQLite's error for a file in a folder that does not exist, as before the first `make run`.
NO_FILE = "unable to open database file"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
NO_RIGHT = "42501"
# Classes of errors of a server that is going away, or that cut the connection, and errors of a file that
# another process has locked or that cannot be reached: https://www.sqlite.org/rescode.html
AWAY = ("08", "57", "SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_LOCKED")


def fault(error: Exception) -> str:
    """Return what is wrong with the database."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""
    if NO_TABLE.search(str(error)):
        return "the database does not have the tables of this version"
    if state == NO_RIGHT:
        return "the role of DATABASE_URL lacks a right"
    return f"the database {'refuses this' if state and not state.startswith(AWAY) else 'does not answer'}"


def reason(error: Exception) -> str:
    """Return what failed, and what to do about it."""
    what, text = fault(error), " ".join(str(error).split())
    if text == NO_FILE:
        name = settings.DATABASES["default"]["NAME"]
        return f"{what}: {text} {name}; if it is missing, `manage.py migrate` creates it"
    if "tables" in what:
        return f"{what}: run `manage.py migrate` ({text})"
    return f"{what}, see docs/how-to/deploy.md: {text}" if "right" in what else f"{what}: {text}"
