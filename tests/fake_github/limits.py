"""GitHub's rate limits, with windows of seconds, and a record of who did not keep to them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

MESSAGE = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass
class Limits:
    """The limits of one credential. Times are those of the server."""

    limit: int = 5000
    window: float = 3600.0
    """Seconds."""
    secondary_every: int = 0
    """Each so many requests meet a secondary limit; 0 is none."""
    retry_after: int = 1
    """Seconds."""
    secondary_status: int = 403
    grace: float = 0.0
    """Seconds in which requests may come that were sent before the client knew."""
    violations: list[str] = field(default_factory=list)
    used: int = 0
    total: int = 0
    _reset: int = 0
    _exhausted_at: float = math.inf
    _secondary_until: float = 0.0
    _secondary_since: float = 0.0

    def take(self, now: float, path: str) -> tuple[int, dict[str, str], bytes] | None:
        """Return the refusal of a request, and None for one that may be served."""
        if now >= self._reset:
            self._reset = math.ceil(now + self.window)
            self.used, self._exhausted_at = 0, math.inf
        if now < self._secondary_until:
            if now > self._secondary_since + self.grace:
                self.violations.append(f"{path} {self._secondary_until - now:.2f} s before Retry-After")
            return self._secondary(now)
        if self.used >= self.limit:
            if now > self._exhausted_at + self.grace:
                self.violations.append(f"{path} {self._reset - now:.2f} s before x-ratelimit-reset")
            return 403, self.headers(), b'{"message": "API rate limit exceeded for user ID 1."}'
        self.total += 1
        if self.secondary_every and self.total % self.secondary_every == 0:
            self._secondary_since = now
            self._secondary_until = now + self.retry_after
            return self._secondary(now)
        self.used += 1
        if self.used == self.limit:
            self._exhausted_at = now
        return None

    def headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used)),
            "x-ratelimit-reset": str(self._reset),
            "x-ratelimit-resource": "core",
        }

    def _secondary(self, now: float) -> tuple[int, dict[str, str], bytes]:
        wait = {"retry-after": str(math.ceil(self._secondary_until - now))}
        return self.secondary_status, self.headers() | wait, f'{{"message": "{MESSAGE}"}}'.encode()


Clock = Callable[[], float]
