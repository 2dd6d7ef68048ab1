"""The parts that all kinds of comments share."""

from schemas._base import Actor, BigInt, Edits, Event, Repository, Snapshot, Timestamp


class Comment(Snapshot):
    """The snapshot of a comment; its author is null when the account was deleted."""

    id: BigInt
    user: Actor | None = None
    body: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class CommentEvent(Event):
    """A comment was created, edited or deleted."""

    action: str
    comment: Comment
    changes: Edits | None = None
    repository: Repository
