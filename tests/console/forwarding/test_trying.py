"""What an answer means, and when the next attempt comes."""

import pytest

from console.forwarding.trying import Meaning, backoff, meaning


@pytest.mark.parametrize(
    ("statuses", "means"),
    [
        ((200, 202, 204, 299), Meaning.ACCEPTED),
        ((301, 307, 400, 401, 403, 404, 409, 413, 415, 422), Meaning.REFUSED),
        ((500, 501, 599), Meaning.FAILED),
        ((408, 429, 502, 503, 504), Meaning.AWAY),
    ],
)
def test_a_status_means(statuses: tuple[int, ...], means: Meaning) -> None:
    assert {meaning(status) for status in statuses} == {means}


def test_the_backoff_doubles_up_to_half_a_minute() -> None:
    waits = [backoff(attempt, uniform=lambda _, longest: longest) for attempt in range(1, 100)]
    assert waits[:7] == [0.5, 1, 2, 4, 8, 16, 30]
    assert set(waits[6:]) == {30}


def test_half_of_the_backoff_is_random_so_that_two_do_not_come_together() -> None:
    assert backoff(3, uniform=lambda least, longest: longest - least) == 1


def test_the_target_may_ask_for_a_longer_wait_but_not_for_any() -> None:
    assert backoff(1, 20.0) == 20
    assert backoff(1, 1e9) == 300
