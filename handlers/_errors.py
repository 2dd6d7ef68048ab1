"""How a handler says what should become of a delivery that it could not deal with.

Any other exception counts as a failure that may pass, and is retried with the default backoff.
"""

from datetime import timedelta


class HandlerError(Exception):
    """A handler's own verdict on its failure."""


class RetryableError(HandlerError):
    """It may work later: run this handler again, `retry_in` from now or after the default backoff."""

    def __init__(self, message: str = "", *, retry_in: timedelta | float | None = None) -> None:
        """`retry_in` is a timedelta or seconds, not negative."""
        super().__init__(message)
        seconds = retry_in.total_seconds() if isinstance(retry_in, timedelta) else retry_in
        if seconds is not None and not seconds >= 0:  # which a NaN is not
            raise ValueError("retry_in must not be negative")
        self.retry_in = seconds


class PermanentError(HandlerError):
    """It will never work: the delivery is dead until somebody replays it."""
