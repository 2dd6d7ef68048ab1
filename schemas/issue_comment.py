"""`issue_comment`: a comment on an issue or a pull request was created, edited or deleted."""

from schemas import BigInt, Snapshot
from schemas._comments import CommentEvent


class PullRequestLinks(Snapshot):
    """It is present if the issue is a pull request."""

    url: str | None = None


class Issue(Snapshot):
    """The issue or pull request of the comment; both share one series of numbers."""

    number: BigInt
    pull_request: PullRequestLinks | None = None


class IssueCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#issue_comment."""

    foreign = frozenset({"pull_request", "discussion"})

    issue: Issue
