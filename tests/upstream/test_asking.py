"""Whether GitHub is asked to deliver again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers import examples
from upstream.asking import ARRIVES_WITHIN, LAST_CALL, Ask, Decision, GiveUp, History, Wait, decide
from upstream.models import MAX_ASKS

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RETENTION = timedelta(days=3)
HOUR = timedelta(hours=1)


def decided(
    *, asks: int = 0, asked: timedelta | None = None, age: timedelta = HOUR, reached: timedelta | None = None
) -> Decision:
    """Decide at `NOW`; the other times are so long before it."""
    history = History(NOW - age, asks, None if asked is None else NOW - asked)
    return decide(history, NOW, None if reached is None else NOW - reached, RETENTION)


def test_what_was_just_found_is_asked_for() -> None:
    assert decided() == Ask()


def test_what_was_just_asked_for_is_given_time_to_arrive() -> None:
    assert decided(asks=1, asked=timedelta(seconds=20)) == Wait(NOW + timedelta(seconds=40))
    assert decided(asks=MAX_ASKS, asked=timedelta(seconds=20)) == Wait(NOW + timedelta(seconds=40))


def test_it_is_asked_for_again_once_something_else_came_through_the_hook_at_last_after_an_hour() -> None:
    asked, reached = 2 * ARRIVES_WITHIN, ARRIVES_WITHIN
    assert decided(asks=1, asked=asked, reached=reached) == Ask()
    assert decided(asks=2, asked=asked, reached=reached) == Wait(NOW + HOUR - asked)
    assert decided(asks=2, asked=HOUR, reached=reached) == Ask()


@pytest.mark.parametrize(
    ("asks", "age", "after"),
    [(1, 30 * HOUR, HOUR), (2, RETENTION - LAST_CALL, 40 * HOUR), (2, RETENTION - HOUR / 2, HOUR)],
)
def test_without_a_sign_that_the_endpoint_can_be_reached_the_last_ask_waits_until_github_is_about_to_forget(
    asks: int, age: timedelta, after: timedelta
) -> None:
    minute = timedelta(minutes=1)
    for reached in (None, after):
        waits = decided(asks=asks, asked=after - minute, age=age - minute, reached=reached)
        assert waits == Wait(NOW + minute)
    assert decided(asks=asks, asked=after, age=age) == Ask()


def test_after_three_requests_it_is_lost() -> None:
    found = decided(asks=MAX_ASKS, asked=2 * ARRIVES_WITHIN, reached=timedelta(0))
    assert found == GiveUp("GitHub was asked 3 times, and it did not arrive")


def test_what_github_has_forgotten_is_lost() -> None:
    assert decided(age=RETENTION) == GiveUp("GitHub keeps deliveries for 3 days")


@settings(max_examples=examples(50, 5000))
@given(st.lists(st.tuples(st.floats(0, 90_000), st.booleans()), max_size=60))
def test_nothing_is_asked_for_more_than_three_times_however_long_it_takes(
    looks: list[tuple[float, bool]],
) -> None:
    now, asks, asked_at, reached = NOW, 0, None, None
    for seconds, comes in looks:
        now += timedelta(seconds=seconds)
        reached = now if comes else reached
        if isinstance(decide(History(NOW, asks, asked_at), now, reached, RETENTION), Ask):
            assert asked_at is None or now >= asked_at + ARRIVES_WITHIN
            asks, asked_at = asks + 1, now
    assert asks <= MAX_ASKS
