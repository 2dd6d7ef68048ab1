"""`pull_request`: something happened to a pull request; the payload shows the state after it."""

from typing import Literal

from schemas import (
    Actor,
    BigInt,
    Edits,
    Event,
    Former,
    Items,
    Label,
    Milestone,
    RefName,
    Repository,
    Sha,
    Snapshot,
    Timestamp,
)


class Fork(Snapshot):
    """The repository of the head or the base."""

    full_name: str


class Branch(Snapshot):
    """The head or the base; the repository is null if the fork was deleted."""

    ref: RefName | None = None
    sha: Sha | None = None
    repo: Fork | None = None


class Team(Snapshot):
    """A team whose review is requested."""

    slug: str


class PullRequest(Snapshot):
    """The snapshot. If merged, it is `closed` with `merged`; else `merge_commit_sha` is a test merge."""

    number: BigInt
    title: str | None = None
    state: Literal["open", "closed"] | None = None
    draft: bool | None = None
    merged: bool | None = None
    merged_at: Timestamp | None = None
    closed_at: Timestamp | None = None
    merge_commit_sha: Sha | None = None
    updated_at: Timestamp | None = None
    user: Actor | None = None
    locked: bool | None = None
    labels: Items[Label | None] | None = None
    assignees: Items[Actor | None] | None = None
    requested_reviewers: Items[Actor | None] | None = None
    requested_teams: Items[Team | None] | None = None
    milestone: Milestone | None = None
    head: Branch | None = None
    base: Branch | None = None


class FormerBase(Snapshot):
    """The branch before another base was chosen, and its commit."""

    ref: Former | None = None
    sha: Former | None = None


class Changes(Edits):
    """The changes of `edited`."""

    base: FormerBase | None = None


class PullRequestEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request."""

    foreign = frozenset({"review", "comment", "thread"})

    action: str
    pull_request: PullRequest
    repository: Repository
    before: Sha | None = None
    """The head that `synchronize` replaced."""
    label: Label | None = None
    assignee: Actor | None = None
    milestone: Milestone | None = None
    requested_reviewer: Actor | None = None
    requested_team: Team | None = None
    changes: Changes | None = None
