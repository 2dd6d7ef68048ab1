"""`pull_request`: something happened to a pull request; the payload shows the state after it."""

from typing import Literal

from schemas import (
    Actor,
    BigInt,
    Edits,
    Event,
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
    """The repository of one end of a pull request."""

    full_name: str


class Branch(Snapshot):
    """One end of a pull request; its repository is null when the fork is gone."""

    ref: RefName
    sha: Sha
    repo: Fork | None = None


class Team(Snapshot):
    """A team that is asked for a review."""

    slug: str


class PullRequest(Snapshot):
    """The snapshot. A merged one is `closed` with `merged`; `merge_commit_sha` is a test merge before."""

    number: BigInt
    title: str
    state: Literal["open", "closed"]
    draft: bool | None = None
    merged: bool = False
    merged_at: Timestamp | None = None
    closed_at: Timestamp | None = None
    merge_commit_sha: Sha | None = None
    updated_at: Timestamp
    user: Actor | None = None
    locked: bool | None = None
    labels: Items[Label | None] | None = None
    assignees: Items[Actor | None] | None = None
    requested_reviewers: Items[Actor | None] | None = None
    requested_teams: Items[Team | None] | None = None
    milestone: Milestone | None = None
    head: Branch
    base: Branch


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
    changes: Edits | None = None
