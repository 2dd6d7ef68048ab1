"""Says in one line what an error of the database means for the person who runs a command."""

import re

# Errors of SQLite and PostgreSQL about missing tables and columns. A database or a role may be missing, too.
NO_TABLE = re.compile(r"no such (?:table|column)|(?:relation|column) .+ does not exist")


def reason(error: Exception) -> str:
    """Return what failed, and what to do about it."""
    text = " ".join(str(error).split())
    if NO_TABLE.search(text):
        return f"the database has not the tables of this version: run `manage.py migrate` ({text})"
    return f"the database does not answer: {text}"
