"""Chooses and caches the authorisation of a request: a token, an App's JWT, or an installation's token.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from django.conf import settings
from gidgethub.apps import get_jwt

from upstream.errors import NotConfiguredError

# Seconds. GitHub allows ten minutes; the difference tolerates clocks that are off.
JWT_LIFETIME = 540
JWT_REUSED_FOR = 360.0
# An installation's token is valid for an hour.
TOKEN_REUSED_FOR = 3300.0

MISSING = "set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: see docs/how-to/recover.md"
_INSTALLATION = "installation:"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The header of a request, and the name under which its limits are counted."""

    name: str
    header: str = field(repr=False)


@dataclass(slots=True)
class Credentials:
    """The configured credentials, and the tokens derived from them."""

    token: str = field(repr=False, default="")
    app_id: str = ""
    private_key: str = field(repr=False, default="")
    _jwt: tuple[Authorization, float] | None = field(repr=False, default=None)
    _installations: dict[str, tuple[Authorization, float]] = field(repr=False, default_factory=dict)
    """Tokens by owner, and when each was fetched."""

    @classmethod
    def configured(cls) -> "Credentials":
        """Return those of the settings."""
        return cls(settings.GITHUB_TOKEN, settings.GITHUB_APP_ID, settings.GITHUB_APP_PRIVATE_KEY)

    def __bool__(self) -> bool:
        """Return whether any credential is set."""
        return bool(self.token or self.app_id)

    def app(self) -> Authorization:
        """Return the App's JWT; raise `NotConfiguredError` without an App."""
        if not self.app_id:
            raise NotConfiguredError(
                "this needs the App: set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: see docs/how-to/recover.md"
            )
        now = time.monotonic()
        if self._jwt is None or now >= self._jwt[1]:
            token = get_jwt(app_id=self.app_id, private_key=self.private_key, expiration=JWT_LIFETIME)
            self._jwt = Authorization("app", f"Bearer {token}"), now + JWT_REUSED_FOR
        return self._jwt[0]

    async def installation(self, owner: str, fetch: Callable[[], Awaitable[str]]) -> Authorization:
        """Return the token of the App's installation at `owner`. `fetch` asks GitHub for one."""
        found = self._installations.get(owner)
        if found is None or time.monotonic() >= found[1] + TOKEN_REUSED_FOR:
            fetched_at = time.monotonic()
            found = Authorization(_INSTALLATION + owner, f"token {await fetch()}"), fetched_at
            self._installations[owner] = found
        return found[0]

    def forget(self, refused: Authorization, age: float) -> bool:
        """Drop a refused token of an installation; return whether another one may be had.

        It may not for a credential that is configured, nor for a token that is younger than `age` seconds.
        """
        for owner, (token, fetched_at) in list(self._installations.items()):
            if token is refused:
                if time.monotonic() < fetched_at + age:
                    return False
                del self._installations[owner]
        return refused.name.startswith(_INSTALLATION)

    def personal(self) -> Authorization:
        """Return the token; raise `NotConfiguredError` without one."""
        if not self.token:
            raise NotConfiguredError(f"no credential for GitHub's API is set: {MISSING}")
        return Authorization("token", f"token {self.token}")
