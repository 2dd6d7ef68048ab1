"""`discussion_comment`: something was said in a discussion."""

from schemas import BigInt, Snapshot
from schemas._comments import Comment, CommentEvent


class DiscussionComment(Comment):
    """The snapshot; a reply has the comment that it replies to as its parent."""

    parent_id: BigInt | None = None


class CommentedDiscussion(Snapshot):
    """What was talked about."""

    number: BigInt


class DiscussionCommentEvent(CommentEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#discussion_comment."""

    comment: DiscussionComment
    discussion: CommentedDiscussion
