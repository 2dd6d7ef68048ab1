"""The limit of requests of each token: pure, but for the clock that it is given."""

from collections.abc import Callable, Hashable

# Keys that are remembered. A key that is forgotten starts with its full allowance.
MAX_KEYS = 10_000


class Limiter:
    """Allows each key some requests in a minute: as many at once, then one each `60 / requests` seconds.

    It keeps one time for each key: when the allowance is full again.
    https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}

    def wait(self, key: Hashable, requests: int) -> float:
        """Count a request and return 0; if it is over the limit, return the seconds until it is not."""
        interval = 60 / requests
        burst = interval * (requests - 1)
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        if full_at - now > burst:
            return full_at - now - burst
        if len(self._full_at) >= MAX_KEYS:
            self._full_at = {each: at for each, at in self._full_at.items() if at > now}
        self._full_at[key] = full_at + interval
        return 0.0
