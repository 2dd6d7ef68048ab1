"""What happens after a failure, pure: try again at some time, or not at all."""

import random
from collections.abc import Callable
from dataclasses import dataclass

MAX_ATTEMPTS = 8
FIRST_BACKOFF = 2.0  # seconds
LONGEST_BACKOFF = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Not again, unless somebody replays it."""


def decide(
    attempt: int, retry_in: float | None, uniform: Callable[[float, float], float] = random.uniform
) -> Retry | Dead:
    """The verdict after attempt number `attempt` (from 1) failed in a way that may pass.

    `retry_in` (seconds) is the handler's own wish. Without one the backoff is exponential with full
    jitter, so that deliveries which failed together do not come back together:
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    if attempt >= MAX_ATTEMPTS:
        return Dead()
    if retry_in is not None:
        return Retry(retry_in)
    return Retry(uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1))))
