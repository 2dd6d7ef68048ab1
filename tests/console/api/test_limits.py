"""The limit of a token: a minute's requests at once, then as many as come free."""

from api.limits import Limiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_requests_pass_at_once_and_then_one_for_each_that_comes_free() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    assert [limiter.wait("a", 60) for _ in range(60)] == [0.0] * 60
    assert limiter.wait("a", 60) == 1.0
    clock.now += 1.0
    assert limiter.wait("a", 60) == 0.0
    assert limiter.wait("a", 60) > 0
    clock.now += 60
    assert [limiter.wait("a", 60) for _ in range(60)] == [0.0] * 60


def test_what_is_refused_costs_nothing_and_others_are_not_refused() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    for _ in range(2):
        limiter.wait("a", 2)
    assert {limiter.wait("a", 2) for _ in range(100)} == {30.0}
    assert limiter.wait("b", 2) == 0.0
