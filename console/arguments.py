"""Types of the arguments of several commands. Each raises `ArgumentTypeError` for a text that it refuses."""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime

from ledger import filters
from ledger.filters import InvalidFilterError


def whole_number(least: int, largest: int) -> Callable[[str], int]:
    """Return the type of a whole number in this range."""

    def number(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if not least <= found <= largest:
            raise ArgumentTypeError(f"not a whole number from {least} to {largest}: {text!r}")
        return found

    return number


def some_text(text: str) -> str:
    """Return the text. A blank one is often an unset variable of a shell, and would choose too much."""
    if not text.strip() or not text.isprintable():
        raise ArgumentTypeError("blank, or not printable")  # it may be a secret
    return text


def rate(text: str) -> float:
    """Return a number of deliveries per second, or 0."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"not a number of deliveries per second: {text!r}")
    return found


def moment(text: str) -> datetime:
    """Return a time as filters name it: ISO 8601, in UTC if it has no offset, or so long ago, as in `24h`."""
    try:
        return filters.moment("", text, datetime.now(UTC))
    except InvalidFilterError as error:
        raise ArgumentTypeError(f"not a time, as 2026-01-31T12:00 or 24h: {text!r}") from error
