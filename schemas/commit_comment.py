"""`commit_comment`: a comment on a commit was created."""

from schemas import BigInt, Sha
from schemas._comments import Comment, CommentEvent


class CommitComment(Comment):
    """The snapshot; one about the whole commit has no path, one about a whole file no line."""

    commit_id: Sha | None = None
    path: str | None = None
    line: BigInt | None = None


class CommitCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#commit_comment."""

    foreign = frozenset({"discussion", "issue", "pull_request"})

    comment: CommitComment
