"""What happens after a failure, pure: try again at some time, or not at all."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from handlers import PermanentError, RetryableError

FIRST_BACKOFF = 2.0  # seconds
LONGEST_BACKOFF = 3600.0  # seconds
# Seconds: a year. What a handler wishes beyond it, no calendar may hold.
LONGEST_WISH = 366 * 86_400.0
DOUBLINGS = 12  # reach LONGEST_BACKOFF


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Not again, unless somebody replays it."""


def decide(
    attempt: int,
    error: BaseException,
    max_attempts: int,
    uniform: Callable[[float, float], float] = random.uniform,
) -> Retry | Dead:
    """The verdict on a handler whose attempt number `attempt` (from 1) raised `error`.

    `RetryableError` names its own wait. Otherwise the backoff is exponential with full jitter, so that
    deliveries which failed together do not come back together:
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    if isinstance(error, PermanentError) or attempt >= max_attempts:
        return Dead()
    if isinstance(error, RetryableError) and error.retry_in is not None:
        return Retry(min(error.retry_in, LONGEST_WISH))
    return Retry(uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(attempt - 1, DOUBLINGS))))
