"""`push`: a branch or a tag was created, moved or deleted."""

from schemas import Actor, Event, Items, PushedRepository, RefName, Sha, Snapshot, Timestamp


class Author(Snapshot):
    """Who wrote a commit, as git knows it: any text, and no account need stand behind it."""

    name: str | None = None
    email: str | None = None


class HeadCommit(Snapshot):
    """The commit that the ref shows after the push, which need not be among `commits`."""

    id: Sha
    message: str = ""
    timestamp: Timestamp


class PushedCommit(HeadCommit):
    """One entry of `commits`. `distinct` is false when an earlier push already brought the commit."""

    distinct: bool = True
    author: Author = Author()


class Pusher(Snapshot):
    """Who pushed; bots have no email, and a deploy key has neither."""

    name: str | None = None


class PushEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#push.

    A created ref has a `before`, a deleted one an `after` of zeros. `commits` holds at most 2048.
    """

    ref: RefName
    before: Sha
    after: Sha
    created: bool = False
    deleted: bool = False
    forced: bool = False
    commits: Items[PushedCommit] = ()
    head_commit: HeadCommit | None = None
    pusher: Pusher | None = None
    sender: Actor | None = None
    repository: PushedRepository
