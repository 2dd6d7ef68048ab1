"""`discussion_comment`: a comment in a discussion was created, edited or deleted."""

from schemas import BigInt, Snapshot
from schemas._comments import Comment, CommentEvent


class DiscussionComment(Comment):
    """The snapshot of a comment; the parent of a reply is the comment that it replies to."""

    parent_id: BigInt | None = None


class CommentedDiscussion(Snapshot):
    """The discussion of the comment."""

    number: BigInt


class DiscussionCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#discussion_comment."""

    comment: DiscussionComment
    discussion: CommentedDiscussion
