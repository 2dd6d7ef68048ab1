"""The state of the fake, which a test may change: hooks, data, tokens and faults; it also delivers."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.fake_github.hooks import Attempt, Hook
from tests.fake_github.limits import Limits

TOKEN = "github_pat_of_the_tests"
# Seconds for the answer to a delivery. GitHub gives ten; a receiver on a busy machine may take longer.
ANSWERED_WITHIN = 45.0

Answered = tuple[int, dict[str, str], bytes]


class AnswerError(Exception):
    """A handler answers with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Faults:
    """What goes wrong, as shares of the requests, or once for each entry of `next`."""

    bad_gateway: float = 0.0
    broken: float = 0.0
    slow: float = 0.0
    slow_for: float = 0.5
    """Seconds."""
    next: list[str] = field(default_factory=list)
    """Faults of the next requests by name: `bad_gateway`, `broken`, `cut`, `slow`, `html` or "" for none."""
    undelivered: Callable[[Attempt, int], bool] = lambda attempt, times: False
    """Whether a redelivery gets lost; `times` counts how often the guid was asked for before."""
    late: Callable[[Attempt], float] = lambda attempt: 0.0
    """Seconds after which a redelivery is sent."""
    answer: Callable[[str, str], Answered | None] = lambda method, path: None
    """The answer that a method and path get in place of their own: status, headers and body."""
    listed_before_detail: float = 0.0
    """Seconds after a delivery in which its detail is 404."""
    circle: bool = False
    """Whether the last page of a list leads back to the first."""
    new_cursors: bool = False
    """Whether each link to a page of deliveries is another one."""
    dice: random.Random = field(default_factory=lambda: random.Random(4711))  # noqa: S311

    def draw(self) -> str:
        if self.next:
            return self.next.pop(0)
        drawn = self.dice.random()
        for name in ("bad_gateway", "broken", "slow"):
            share: float = getattr(self, name)
            if drawn < share:
                return name
            drawn -= share
        return ""


@dataclass
class Seen:
    """One request that came."""

    at: float
    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass
class Github:
    """The state of the fake; a test may change it at any time."""

    url: str = ""
    hooks: list[Hook] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    """Further answers by path, or functions of the query; a list is served in pages."""
    moved: dict[str, str] = field(default_factory=dict)
    """Prefixes of paths that redirect, such as a renamed repository, to another one or to another server."""
    tokens: dict[str, dict[str, str]] = field(default_factory=lambda: {TOKEN: {"webhooks": "write"}})
    """Permissions by token."""
    is_installed: bool = True
    """Whether the App is installed at the owners."""
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    skew: float = 0.0
    """Seconds by which the server's clock is ahead of the machine's."""
    seen: list[Seen] = field(default_factory=list)
    most_at_once: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    """How often each guid was asked for again."""
    loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> float:
        """Return the server's time, in seconds of the epoch."""
        return time.time() + self.skew

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)

    def hook(self, **fields: Any) -> Hook:
        """Add a hook."""
        made = Hook(
            **{"id": 470100500 + len(self.hooks), "kind": "repository", "owner": "octo/cat", **fields}
        )
        self.hooks.append(made)
        return made

    def paths(self, method: str = "", containing: str = "") -> list[str]:
        """Return the paths of the requests so far."""
        return [one.path for one in self.seen if method in {"", one.method} and containing in one.path]

    def deliver(self, hook: Hook, attempt: Attempt) -> Attempt:
        """Send a delivery, wait for the answer, and list it."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(deliver(self, hook, attempt), self.loop).result(
            2 * ANSWERED_WITHIN
        )


async def deliver(fake: Github, hook: Hook, attempt: Attempt) -> Attempt:
    request = hook.request(attempt)
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWERED_WITHIN)) as session,
            session.post(hook.url, data=request.body, headers=request.headers) as response,
        ):
            attempt.status_code, attempt.status = response.status, response.reason or ""
            if response.ok:
                attempt.status = "OK"
    except (TimeoutError, aiohttp.ClientError) as error:
        attempt.status_code, attempt.status = 502, f"failed to connect: {type(error).__name__}"
    attempt.delivered_at = fake.moment()
    hook.attempts.append(attempt)
    return attempt
