"""`issues`: something happened to an issue; the payload shows the state after it."""

from typing import Literal

from schemas import (
    Actor,
    BigInt,
    Edits,
    Event,
    Items,
    Label,
    Milestone,
    PullRequestLinks,
    Repository,
    Snapshot,
    Timestamp,
    pull_request,
)


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
    draft: bool | None = None
    pull_request: PullRequestLinks | None = None


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

    @property
    def of_pull_request(self) -> pull_request.PullRequestEvent | None:
        """Return the event as one of a pull request; None if it is about an issue.

        GitHub sent the milestones of pull requests as `issues` alone until 2023, as older servers do:
        https://github.com/quarkiverse/quarkus-github-app/issues/472.
        """
        links = self.issue.pull_request
        if links is None:
            return None
        shared = {name: value for name, value in self.issue if name in pull_request.PullRequest.model_fields}
        title = self.changes.title if self.changes else None
        return pull_request.PullRequestEvent.model_construct(
            **{name: value for name, value in self if name not in {"issue", "changes"}},
            pull_request=pull_request.PullRequest.model_construct(**shared, merged_at=links.merged_at),
            changes=pull_request.Changes.model_construct(title=title),
        )
