"""Computes from GitHub's answers when the next request may be sent. Pure: the caller passes the time.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

LIMIT_STATUSES = {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
# Seconds after a secondary limit that names no time; doubled each time in a row.
UNNAMED_WAIT = 60.0
LONGEST_UNNAMED_WAIT = 1800.0
MAX_DOUBLINGS = 10
# Seconds. GitHub's longest limit is an hour; a wait of years would need a person to notice it.
LONGEST_WAIT = 86_400.0
# Words in the message of a secondary limit; a missing permission has the same status.
_WORDS = (b"rate limit", b"abuse detection")


class Limits:
    """The limits of one credential. Times are seconds of the caller's monotonic clock.

    Waits are computed from the server's `Date`, so a wrong clock of this machine neither shortens nor
    lengthens them.
    """

    def __init__(self) -> None:
        self._blocked_until = 0.0
        self._remaining: int | None = None
        self._reset = 0.0
        self._resets_at = 0.0
        self._in_flight = 0
        self._in_a_row = 0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent; 0 when it may be sent now.

        While requests are in flight, their answers may shorten the wait.
        """
        if now < self._blocked_until:
            return self._blocked_until - now
        if self._remaining is not None and now < self._resets_at and self._remaining <= self._in_flight:
            return self._resets_at - now
        return 0.0

    def sent(self) -> None:
        """Note a request. Call `ended` when it was answered or failed."""
        self._in_flight += 1

    def ended(self) -> None:
        """Note that a request is no longer in flight."""
        self._in_flight -= 1

    def answered(self, status: int, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        """Note an answer; return whether it says that the limit is exceeded, so the request was not done."""
        date = server_time(headers)
        remaining, reset = _number(headers, "x-ratelimit-remaining"), _number(headers, "x-ratelimit-reset")
        if remaining is not None and reset is not None and date is not None:
            if reset == self._reset and self._remaining is not None:
                # Concurrent answers arrive in any order.
                remaining = min(remaining, self._remaining)
            self._remaining, self._reset = int(remaining), reset
            self._resets_at = now + min(max(0.0, reset - date), LONGEST_WAIT)
        if status not in LIMIT_STATUSES:
            self._in_a_row = 0
            return False
        after = _retry_after(headers, date)
        exhausted = remaining == 0
        named = after if after is not None else (self._resets_at - now if exhausted else None)
        if named is None and status == HTTPStatus.FORBIDDEN and not any(w in body.lower() for w in _WORDS):
            return False
        if now >= self._blocked_until:
            # Requests that were in flight at a limit meet the same one.
            self._in_a_row += 1
        factor = 2 ** min(self._in_a_row - 1, MAX_DOUBLINGS)
        # A named time that was not long enough, such as 0, is extended.
        # https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
        named = min(UNNAMED_WAIT * factor, LONGEST_UNNAMED_WAIT) if named is None else named + factor - 1
        self._blocked_until = max(self._blocked_until, now + min(named, LONGEST_WAIT))
        return True


def _number(headers: Mapping[str, str], name: str) -> float | None:
    value = headers.get(name, "")
    return float(value) if value.isascii() and value.isdigit() else None


def server_time(headers: Mapping[str, str]) -> float | None:
    """Return the `Date` of an answer, in seconds of the epoch; None if there is none."""
    return _moment(headers.get("date", ""))


def _retry_after(headers: Mapping[str, str], date: float | None) -> float | None:
    """Return the seconds of `Retry-After`: a number, or a date as RFC 9110 also allows."""
    seconds = _number(headers, "retry-after")
    if seconds is not None:
        return seconds
    until = _moment(headers.get("retry-after", ""))
    return None if until is None or date is None else max(0.0, until - date)


def _moment(text: str) -> float | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
