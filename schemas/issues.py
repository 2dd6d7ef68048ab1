"""`issues`: something happened to an issue; the payload shows the state after it."""

from typing import Literal

from schemas import Actor, BigInt, Event, Items, Label, Milestone, Repository, Snapshot, Timestamp


class Issue(Snapshot):
    """The snapshot of an issue. GitHub's published examples leave `state` out in places."""

    number: BigInt
    title: str
    state: Literal["open", "closed"] | None = None
    state_reason: str | None = None
    updated_at: Timestamp
    user: Actor | None = None
    locked: bool | None = None
    labels: Items[Label] | None = None
    assignees: Items[Actor | None] | None = None
    milestone: Milestone | None = None


class Destination(Snapshot):
    """The issue that a transfer made in another repository."""

    number: BigInt


class Changes(Snapshot):
    """What `transferred` tells besides; both are null for who may not see the other repository."""

    new_issue: Destination | None = None
    new_repository: Repository | None = None


class IssuesEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#issues."""

    action: str
    issue: Issue
    repository: Repository
    changes: Changes | None = None
