"""`push`: a branch or a tag was created, moved or deleted."""

from schemas import Event, Items, PushedRepository, RefName, Sha, Snapshot, Timestamp


class Author(Snapshot):
    """The author of a commit, from git: any text, not necessarily an account."""

    name: str | None = None
    email: str | None = None


class HeadCommit(Snapshot):
    """The commit of the ref after the push. It may be missing from `commits`."""

    id: Sha
    message: str | None = None
    timestamp: Timestamp | None = None
    """Null if it is invalid. Git accepts any time, such as an offset of 51 hours or the year 292278994."""


class PushedCommit(HeadCommit):
    """One entry of `commits`. `distinct` is false when an earlier push already brought the commit."""

    distinct: bool | None = None
    author: Author | None = None


class Pusher(Snapshot):
    """The pusher. Bots have no email, and a deploy key has neither field."""

    name: str | None = None


class PushEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#push.

    `before` of a created ref and `after` of a deleted ref are zeros. `commits` has at most 2048 items.
    """

    foreign = frozenset({"cache_location", "check_suite", "pull_request", "ref_type", "workflow"})

    ref: RefName
    before: Sha
    after: Sha
    created: bool | None = None
    deleted: bool | None = None
    forced: bool | None = None
    commits: Items[PushedCommit | None] | None = None
    head_commit: HeadCommit | None = None
    pusher: Pusher | None = None
    repository: PushedRepository

    @property
    def creates(self) -> bool:
        """Return whether the push created the ref, by its flag or its zeros."""
        return bool(self.created) or not self.before.strip("0")

    @property
    def deletes(self) -> bool:
        """Return whether the push deleted the ref."""
        return bool(self.deleted) or not self.after.strip("0")
