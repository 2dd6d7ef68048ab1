"""`issue_comment`: something was said about an issue or, in its conversation, about a pull request."""

from schemas import Actor, BigInt, Edits, Event, Repository, Snapshot, Timestamp


class Comment(Snapshot):
    """The snapshot of a comment; its author is null when the account is gone."""

    id: BigInt
    user: Actor | None = None
    body: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp


class PullRequestLinks(Snapshot):
    """It is there when the issue is a pull request."""

    url: str | None = None


class Issue(Snapshot):
    """What was talked about; GitHub numbers issues and pull requests together."""

    number: BigInt
    pull_request: PullRequestLinks | None = None


class IssueCommentEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#issue_comment."""

    foreign = frozenset({"pull_request", "discussion"})

    action: str
    comment: Comment
    issue: Issue
    changes: Edits | None = None
    repository: Repository
