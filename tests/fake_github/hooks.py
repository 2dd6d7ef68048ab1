"""Hooks and what was delivered to them, in the shapes of GitHub's API. No I/O."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from tests import github, servers

# GitHub's ids of deliveries have exceeded 2^53 since February 2026.
_ids = count(2**53 + 1_000_001, 2)
RETENTION = timedelta(days=3)
KINDS = {"repository": "repository", "organization": "organization", "app": "integration"}


@dataclass
class Attempt:
    """One attempt to deliver."""

    guid: str
    event: str
    body: bytes = field(repr=False)
    delivered_at: datetime
    status_code: int = 200
    status: str = "OK"
    redelivery: bool = False
    id: int = field(default_factory=lambda: next(_ids))

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Hook:
    """A webhook. `owner` is a repository's full name, an organisation's login, or an App's id."""

    id: int
    kind: str
    owner: str
    url: str = ""
    secret: str = servers.SECRET
    events: list[str] = field(default_factory=lambda: ["*"])
    active: bool = True
    insecure_ssl: str = "0"
    content_type: str = "json"
    attempts: list[Attempt] = field(default_factory=list)
    """Oldest first."""

    @property
    def path(self) -> str:
        """The path of the hook in the API."""
        if self.kind == "app":
            return "/app/hook"
        prefix = "/repos" if self.kind == "repository" else "/orgs"
        return f"{prefix}/{self.owner}/hooks/{self.id}"

    def request(self, attempt: Attempt) -> github.Request:
        """Return the signed request of an attempt."""
        request = github.request(
            attempt.event, attempt.body, guid=attempt.guid, hook_id=self.id, secret=self.secret
        )
        request.headers["X-GitHub-Hook-Installation-Target-Type"] = KINDS[self.kind]
        request.headers["X-GitHub-Hook-Installation-Target-ID"] = "1296269"
        return request

    def kept(self, now: datetime, retention: timedelta = RETENTION) -> list[Attempt]:
        """Return what GitHub has not forgotten, newest first."""
        return [one for one in reversed(self.attempts) if one.delivered_at > now - retention]

    def find(self, number: int, now: datetime) -> Attempt | None:
        return next((one for one in self.attempts if one.id == number and one in self.kept(now)), None)

    def as_json(self) -> dict[str, Any]:
        last = self.attempts[-1] if self.attempts else None
        return {
            "type": "Repository" if self.kind == "repository" else "Organization",
            "id": self.id,
            "name": "web",
            "active": self.active,
            "events": self.events,
            "config": {
                "content_type": self.content_type,
                "insecure_ssl": self.insecure_ssl,
                "url": self.url,
                "secret": "********",
            },
            "updated_at": "2026-11-01T08:00:00Z",
            "created_at": "2026-11-01T08:00:00Z",
            "url": f"https://api.github.com{self.path}",
            "test_url": f"https://api.github.com{self.path}/test",
            "ping_url": f"https://api.github.com{self.path}/pings",
            "deliveries_url": f"https://api.github.com{self.path}/deliveries",
            "last_response": {
                "code": last.status_code if last else None,
                "status": ("active" if last.status_code < 400 else "failed") if last else "unused",
                "message": last.status if last else None,
            },
        }


def listed(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as the list shows it."""
    payload = attempt.payload
    return {
        "id": attempt.id,
        "guid": attempt.guid,
        "delivered_at": attempt.delivered_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "redelivery": attempt.redelivery,
        "duration": 0.27,
        "status": attempt.status,
        "status_code": attempt.status_code,
        "event": attempt.event,
        "action": payload.get("action"),
        "installation_id": payload.get("installation", {}).get("id"),
        "repository_id": payload.get("repository", {}).get("id"),
        "throttled_at": None,
    }


def detail(hook: Hook, attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as its own page shows it: the payload is parsed, and the signature is there too."""
    return {
        **listed(attempt),
        "url": hook.url,
        "request": {"headers": hook.request(attempt).headers, "payload": attempt.payload},
        "response": {"headers": {"Content-Type": "application/json"}, "payload": "{}"},
    }


def cursor(attempt: Attempt) -> str:
    """Return an opaque cursor that continues before this attempt."""
    return base64.urlsafe_b64encode(f"v1_{attempt.id}".encode()).decode()


def after(attempts: list[Attempt], text: str) -> list[Attempt]:
    """Return what a cursor has not shown yet. Raises ValueError for a cursor that is none."""
    number = int(base64.urlsafe_b64decode(text).decode().removeprefix("v1_"))
    return [one for one in attempts if one.id < number]


def guid(number: int) -> str:
    """Return the guid of the delivery with this number, for tests that make many."""
    return str(UUID(int=(0xDE << 120) + number, version=1))
