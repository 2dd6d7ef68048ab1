"""The verdict after a failure, as a table and as properties."""

from hypothesis import given
from hypothesis import strategies as st

from processing.retrying import FIRST_BACKOFF, LONGEST_BACKOFF, MAX_ATTEMPTS, Dead, Retry, decide

attempts = st.integers(1, MAX_ATTEMPTS - 1)


def most(_low: float, high: float) -> float:
    return high


def test_the_backoff_doubles_and_the_last_attempt_is_dead() -> None:
    verdicts = [decide(attempt, None, most) for attempt in range(1, MAX_ATTEMPTS + 1)]
    assert verdicts == [*(Retry(FIRST_BACKOFF * 2**n) for n in range(MAX_ATTEMPTS - 1)), Dead()]


@given(attempts)
def test_the_jitter_is_full_and_the_wait_is_bounded(attempt: int) -> None:
    verdict = decide(attempt, None)
    assert isinstance(verdict, Retry)
    assert 0 <= verdict.after <= min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1))


@given(attempts, st.floats(0, 1e6))
def test_a_handlers_own_wish_is_kept(attempt: int, retry_in: float) -> None:
    assert decide(attempt, retry_in) == Retry(retry_in)


@given(st.integers(MAX_ATTEMPTS, 1000), st.none() | st.floats(0, 1e6))
def test_when_attempts_are_used_up_no_wish_brings_it_back(attempt: int, retry_in: float | None) -> None:
    assert decide(attempt, retry_in) == Dead()
