"""`pull_request_review_comment`: a comment on a line was created, edited or deleted."""

from schemas import BigInt, Sha, Snapshot
from schemas._comments import Comment, CommentEvent


class ReviewComment(Comment):
    """The snapshot of a comment. `line` is null after a later commit removed the line."""

    pull_request_review_id: BigInt | None = None
    in_reply_to_id: BigInt | None = None
    commit_id: Sha | None = None
    path: str | None = None
    line: BigInt | None = None


class CommentedPullRequest(Snapshot):
    """The pull request of the comment."""

    number: BigInt


class PullRequestReviewCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request_review_comment."""

    foreign = frozenset({"issue", "review", "thread"})

    comment: ReviewComment
    pull_request: CommentedPullRequest
