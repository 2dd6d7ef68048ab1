"""Exceptions by which a handler decides whether its failure is retried.

Any other exception is a failure that is retried with the default backoff.
"""

from datetime import timedelta


class HandlerError(Exception):
    """The base of a handler's own errors."""


class RetryableError(HandlerError):
    """The failure may be temporary: retry this handler after `retry_in`, or after the default backoff."""

    retry_in: float | None = None
    """Seconds; None for the default backoff, also in a subclass that does not call this constructor."""

    def __init__(self, message: str = "", *, retry_in: timedelta | float | None = None) -> None:
        """`retry_in` is a timedelta or seconds, not negative."""
        super().__init__(message)
        seconds = retry_in.total_seconds() if isinstance(retry_in, timedelta) else retry_in
        if seconds is not None and not (isinstance(seconds, int | float) and seconds >= 0):  # NaN is not
            raise ValueError(f"retry_in must be seconds from 0 or a timedelta, not {retry_in!r}")
        self.retry_in = seconds


class PermanentError(HandlerError):
    """A retry cannot succeed: the delivery is dead until it is replayed."""
