"""`pull_request`: something happened to a pull request; the payload shows the state after it."""

from typing import Literal

from schemas import Actor, Event, Label, Milestone, Repository, Snapshot, Timestamp


class Fork(Snapshot):
    """The repository of one end of a pull request."""

    full_name: str


class Branch(Snapshot):
    """One end of a pull request; its repository is null when the fork is gone."""

    ref: str
    sha: str
    repo: Fork | None = None


class Team(Snapshot):
    """A team that is asked for a review."""

    slug: str


class PullRequest(Snapshot):
    """The snapshot. A merged one is `closed` with `merged`; `merge_commit_sha` is a test merge before."""

    number: int
    title: str
    state: Literal["open", "closed"]
    draft: bool | None = None
    merged: bool | None = False
    merged_at: Timestamp | None = None
    merge_commit_sha: str | None = None
    updated_at: Timestamp
    user: Actor | None = None
    locked: bool | None = None
    labels: tuple[Label, ...] | None = None
    assignees: tuple[Actor | None, ...] | None = None
    requested_reviewers: tuple[Actor | None, ...] | None = None
    requested_teams: tuple[Team | None, ...] | None = None
    milestone: Milestone | None = None
    head: Branch
    base: Branch


class PullRequestEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request."""

    action: str
    pull_request: PullRequest
    repository: Repository
