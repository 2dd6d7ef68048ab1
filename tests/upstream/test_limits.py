"""When the next request may be sent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers import examples
from tests.texts import CHARACTERS
from upstream.limits import LONGEST_UNNAMED_WAIT, LONGEST_WAIT, UNNAMED_WAIT, Limits

SERVER_TIME = 1_800_000_000


def headers(remaining: int = 100, reset: int = 3600, **more: str) -> dict[str, str]:
    """Return the headers of an answer at `SERVER_TIME`; the limit is reset so many seconds later."""
    date = format_datetime(datetime.fromtimestamp(SERVER_TIME, UTC), usegmt=True)
    limits = {"x-ratelimit-remaining": str(remaining), "x-ratelimit-reset": str(SERVER_TIME + reset)}
    return {"date": date, **limits, **{name.replace("_", "-"): value for name, value in more.items()}}


def waits_in_a_row(answer: dict[str, str]) -> Iterator[float]:
    """Yield the waits after the same limit, which is met again after each of them."""
    limits, now = Limits(), 1000.0
    while True:
        assert limits.answered(403, answer, b'{"message": "You have exceeded a secondary rate limit."}', now)
        yield limits.wait(now)
        now += limits.wait(now)


def test_without_an_answer_a_request_may_be_sent() -> None:
    assert Limits().wait(5.0) == 0


def test_the_last_request_of_a_window_is_followed_by_a_wait_until_its_reset() -> None:
    limits = Limits()
    assert not limits.answered(200, headers(remaining=0, reset=30), b"", 1000.0)
    assert limits.wait(1010.0) == 20.0
    assert limits.wait(1030.0) == 0


def test_requests_in_flight_use_up_what_remains() -> None:
    limits = Limits()
    limits.answered(200, headers(remaining=2), b"", 1000.0)
    limits.sent()
    assert limits.wait(1000.0) == 0
    limits.sent()
    assert limits.wait(1000.0) > 0
    limits.ended()
    assert limits.wait(1000.0) == 0


def test_answers_out_of_order_do_not_raise_what_remains() -> None:
    limits = Limits()
    limits.answered(200, headers(remaining=0), b"", 1000.0)
    limits.answered(200, headers(remaining=1), b"", 1000.0)
    assert limits.wait(1000.0) > 0


def test_a_new_window_counts_anew() -> None:
    limits = Limits()
    limits.answered(200, headers(remaining=0, reset=30), b"", 1000.0)
    limits.answered(200, headers(remaining=4999, reset=3630), b"", 1031.0)
    assert limits.wait(1031.0) == 0


def test_no_limit_is_longer_than_a_day() -> None:
    far = "9" * 400
    for answer in (headers(retry_after=far), headers(remaining=0) | {"x-ratelimit-reset": far}):
        limits = Limits()
        assert limits.answered(403, answer, b"", 1000.0)
        assert limits.wait(1000.0) == LONGEST_WAIT


def test_retry_after_comes_before_the_reset_of_the_primary_limit() -> None:
    for status in (403, 429):
        limits = Limits()
        assert limits.answered(status, headers(remaining=50, retry_after="7"), b"", 1000.0)
        assert limits.wait(1000.0) == 7.0


def test_retry_after_may_be_a_date() -> None:
    limits = Limits()
    then = format_datetime(datetime.fromtimestamp(SERVER_TIME + 9, UTC), usegmt=True)
    assert limits.answered(429, headers(retry_after=then), b"", 1000.0)
    assert limits.wait(1000.0) == 9.0


def test_a_secondary_limit_without_a_time_waits_longer_each_time_in_a_row() -> None:
    waits = list(islice(waits_in_a_row(headers()), 2000))
    assert waits[:3] == [UNNAMED_WAIT, 2 * UNNAMED_WAIT, 4 * UNNAMED_WAIT]
    assert waits[-1] == LONGEST_UNNAMED_WAIT


def test_a_limit_that_lasts_beyond_its_named_time_is_met_less_and_less_often() -> None:
    assert list(islice(waits_in_a_row(headers(retry_after="0")), 4)) == [0, 1, 3, 7]


def test_requests_in_flight_at_a_limit_do_not_lengthen_it() -> None:
    limits = Limits()
    for _ in range(10):
        assert limits.answered(429, headers(), b"", 1000.0)
    assert limits.wait(1000.0) == UNNAMED_WAIT


def test_a_missing_permission_is_no_limit() -> None:
    limits = Limits()
    body = b'{"message": "Resource not accessible by personal access token"}'
    assert not limits.answered(403, headers(), body, 1000.0)
    assert limits.wait(1000.0) == 0


@settings(max_examples=examples(20, 1000))
@given(skew=st.integers(-(10**9), 10**9), reset=st.integers(0, 4000), at=st.floats(0, 1e6))
def test_the_wait_does_not_depend_on_the_clock_of_this_machine(skew: int, reset: int, at: float) -> None:
    date = format_datetime(datetime.fromtimestamp(SERVER_TIME + skew, UTC), usegmt=True)
    limits = Limits()
    answer = {
        "date": date,
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(SERVER_TIME + skew + reset),
    }
    assert limits.answered(403, answer, b"", at)
    assert abs(limits.wait(at) - reset) < 1e-6


@settings(max_examples=examples(20, 1000))
@given(
    st.dictionaries(
        st.sampled_from(["date", "retry-after", "x-ratelimit-reset"]), st.text(CHARACTERS), min_size=1
    )
)
def test_headers_that_cannot_be_read_are_no_error(hostile: dict[str, str]) -> None:
    limits = Limits()
    assert limits.answered(429, {"x-ratelimit-remaining": "0", **hostile}, b"", 1000.0)
    assert limits.wait(1000.0) >= 0
