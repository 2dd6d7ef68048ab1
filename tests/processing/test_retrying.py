"""The wait after a failure, as a table and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import PermanentError, RetryableError
from processing.retrying import FIRST_BACKOFF, LONGEST_BACKOFF, LONGEST_RETRY_IN, wait

FAILURE = OSError("away")

failures = st.sampled_from([FAILURE, RetryableError(), RetryableError(retry_in=5), ValueError("no")])


def test_the_backoff_doubles_and_the_last_attempt_is_dead() -> None:
    waits = [wait(attempt, FAILURE, 8, lambda _low, high: high) for attempt in range(1, 9)]
    assert waits == [*(FIRST_BACKOFF * 2**n for n in range(7)), None]


@given(st.integers(1, 10_000))
def test_the_jitter_is_full_and_the_wait_is_bounded(attempt: int) -> None:
    seconds = wait(attempt, FAILURE, attempt + 1)
    assert seconds is not None
    assert 0 <= seconds <= min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(attempt - 1, 20))


@given(st.integers(1, 100), st.floats(0, 1e6))
def test_a_handlers_own_wish_is_kept(attempt: int, retry_in: float) -> None:
    assert wait(attempt, RetryableError(retry_in=retry_in), attempt + 1) == retry_in


def test_an_error_that_does_not_call_the_constructor_has_no_wish() -> None:
    class RateLimitedError(RetryableError):
        def __init__(self, status: int) -> None:
            self.status = status

    assert wait(1, RateLimitedError(429), 2, lambda _low, high: high) == FIRST_BACKOFF


@pytest.mark.parametrize("wish", [1e12, float("inf")])
def test_a_wish_beyond_the_calendar_is_a_year(wish: float) -> None:
    assert wait(1, RetryableError(retry_in=wish), 2) == LONGEST_RETRY_IN


@given(st.integers(1, 100), st.integers(0, 100), failures)
def test_when_attempts_are_used_up_no_wish_brings_it_back(most: int, more: int, failure: Exception) -> None:
    assert wait(most + more, failure, most) is None


@given(st.integers(1, 100))
def test_what_can_never_work_is_not_tried_again(attempt: int) -> None:
    assert wait(attempt, PermanentError("no"), 1000) is None
