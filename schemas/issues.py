"""`issues`: something happened to an issue; the payload shows the state after it."""

from typing import Literal

from schemas import Actor, BigInt, Event, Repository, Snapshot, Timestamp


class Issue(Snapshot):
    """The snapshot of an issue. GitHub's published examples leave `state` out in places; absent is open."""

    number: BigInt
    title: str
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    updated_at: Timestamp
    user: Actor | None = None


class IssuesEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#issues."""

    action: str
    issue: Issue
    repository: Repository
