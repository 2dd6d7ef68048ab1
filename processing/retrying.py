"""Decides whether and when a failed handler is tried again: the backoff and its limits. Pure."""

import random
from collections.abc import Callable

from handlers import PermanentError, RetryableError

FIRST_BACKOFF = 2.0  # seconds
LONGEST_BACKOFF = 3600.0  # seconds
# Seconds: a year. A longer `retry_in` may lead beyond the last date of a datetime.
LONGEST_RETRY_IN = 366 * 86_400.0
DOUBLINGS = 12  # reach LONGEST_BACKOFF


def wait(
    attempt: int,
    error: BaseException,
    max_attempts: int,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float | None:
    """Return the seconds until the next attempt of a handler; None if there is none.

    `error` is what attempt number `attempt`, from 1, raised. `RetryableError` names its own wait. Otherwise
    the backoff is exponential with full jitter, so that deliveries which failed together do not come back
    together: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    if isinstance(error, PermanentError) or attempt >= max_attempts:
        return None
    if isinstance(error, RetryableError) and error.retry_in is not None:
        return min(error.retry_in, LONGEST_RETRY_IN)
    longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(attempt - 1, DOUBLINGS))
    return uniform(0, longest)
