"""`pull_request_review_comment`: something was said about a line of a pull request."""

from schemas import BigInt, Sha, Snapshot
from schemas._comments import Comment, CommentEvent


class ReviewComment(Comment):
    """The snapshot. A line is null once a later commit took it away."""

    pull_request_review_id: BigInt | None = None
    in_reply_to_id: BigInt | None = None
    commit_id: Sha | None = None
    path: str | None = None
    line: BigInt | None = None


class CommentedPullRequest(Snapshot):
    """What was talked about."""

    number: BigInt


class PullRequestReviewCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request_review_comment."""

    foreign = frozenset({"issue", "review", "thread"})

    comment: ReviewComment
    pull_request: CommentedPullRequest
