"""`issues`: something happened to an issue; the payload shows the state after it."""

from typing import Literal

from schemas import Actor, BigInt, Edits, Event, Items, Label, Milestone, Repository, Snapshot, Timestamp


class Issue(Snapshot):
    """The snapshot of an issue. Some of GitHub's published examples lack `state`."""

    number: BigInt
    title: str | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: str | None = None
    closed_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    user: Actor | None = None
    locked: bool | None = None
    labels: Items[Label | None] | None = None
    assignees: Items[Actor | None] | None = None
    milestone: Milestone | None = None


class Destination(Snapshot):
    """The issue that a transfer created in another repository."""

    number: BigInt


class Changes(Edits):
    """The changes of `edited` and `transferred`. The other repository may be null."""

    new_issue: Destination | None = None
    new_repository: Repository | None = None


class IssuesEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#issues."""

    foreign = frozenset(
        {"comment", "pull_request", "sub_issue", "parent_issue", "blocked_issue", "blocking_issue"}
    )

    action: str
    issue: Issue
    repository: Repository
    label: Label | None = None
    assignee: Actor | None = None
    milestone: Milestone | None = None
    changes: Changes | None = None
