"""Decides by the answer of a target whether and when a delivery is sent again. Pure."""

import random
from collections.abc import Callable
from enum import Enum
from http import HTTPStatus

FIRST_BACKOFF = 0.5  # seconds
LONGEST_BACKOFF = 30.0  # seconds
# Seconds that a target's Retry-After may ask for.
MAX_RETRY_AFTER = 300.0
# Attempts of a delivery that the target fails to process: it may be this delivery that it cannot process.
ATTEMPTS = 4
# Attempts while the target is away, about a minute, unless the command follows.
ATTEMPTS_AWAY = 8
_AWAY = {
    HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT,
}  # fmt: skip


class Meaning(Enum):
    """The consequence of an attempt for the delivery."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Another attempt would end in the same way. A redirect is one of these."""
    FAILED = "failed"
    """The target failed at this delivery, or did not answer in time."""
    AWAY = "away"
    """The target processes no delivery at present."""


def meaning(status: int) -> Meaning:
    """Return what this status means."""
    if HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Meaning.ACCEPTED
    if status in _AWAY:
        return Meaning.AWAY
    return Meaning.FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Meaning.REFUSED


def backoff(
    attempt: int,
    retry_after: float | None = None,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return the seconds after attempt number `attempt`, from 1; at least the target's `retry_after`."""
    longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(attempt - 1, 10))
    return max(uniform(longest / 2, longest), min(retry_after or 0.0, MAX_RETRY_AFTER))
