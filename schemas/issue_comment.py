"""`issue_comment`: something was said about an issue or, in its conversation, about a pull request."""

from schemas import BigInt, Snapshot
from schemas._comments import CommentEvent


class PullRequestLinks(Snapshot):
    """It is there when the issue is a pull request."""

    url: str | None = None


class Issue(Snapshot):
    """What was talked about; GitHub numbers issues and pull requests together."""

    number: BigInt
    pull_request: PullRequestLinks | None = None


class IssueCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#issue_comment."""

    foreign = frozenset({"pull_request", "discussion"})

    issue: Issue
