"""`issues`: something happened to an issue; the payload shows the state after it."""

from typing import Literal

from schemas import Actor, Event, Label, Milestone, Repository, Snapshot, Timestamp


class Issue(Snapshot):
    """The snapshot of an issue. GitHub's published examples leave `state` out in places."""

    number: int
    title: str
    state: Literal["open", "closed"] | None = None
    state_reason: str | None = None
    updated_at: Timestamp
    user: Actor | None = None
    locked: bool | None = None
    labels: tuple[Label, ...] | None = None
    assignees: tuple[Actor | None, ...] | None = None
    milestone: Milestone | None = None


class Destination(Snapshot):
    """The issue that a transfer made in another repository."""

    number: int


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
