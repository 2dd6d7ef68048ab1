"""`push`: a branch or a tag was created, moved or deleted."""

from schemas import Event, Items, PushedRepository, RefName, Sha, Snapshot, Timestamp


class Author(Snapshot):
    """Who wrote a commit, as git knows it: any text, and no account need stand behind it."""

    name: str | None = None
    email: str | None = None


class HeadCommit(Snapshot):
    """The commit that the ref shows after the push, which need not be among `commits`."""

    id: Sha
    message: str | None = None
    timestamp: Timestamp | None = None
    """Null where nobody can read it, for git takes any: an offset of 51 hours, the year 292278994."""


class PushedCommit(HeadCommit):
    """One entry of `commits`. `distinct` is false when an earlier push already brought the commit."""

    distinct: bool | None = None
    author: Author | None = None


class Pusher(Snapshot):
    """Who pushed; bots have no email, and a deploy key has neither."""

    name: str | None = None


class PushEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#push.

    A created ref has a `before`, a deleted one an `after` of zeros. `commits` holds at most 2048.
    """

    foreign = frozenset({"ref_type", "check_suite", "pull_request", "workflow"})

    ref: RefName
    before: Sha
    after: Sha
    created: bool = False
    deleted: bool = False
    forced: bool = False
    commits: Items[PushedCommit] = ()
    head_commit: HeadCommit | None = None
    pusher: Pusher | None = None
    repository: PushedRepository

    @property
    def creates(self) -> bool:
        """Return whether the ref is new: zeros tell it as well as the flag."""
        return self.created or not self.before.strip("0")

    @property
    def deletes(self) -> bool:
        """Return whether the ref is gone."""
        return self.deleted or not self.after.strip("0")
