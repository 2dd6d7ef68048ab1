"""`push`: a branch or a tag was created, moved or deleted."""

from pydantic import Field

from schemas import Actor, Event, Repository, Snapshot, Timestamp


class Author(Snapshot):
    """Who wrote a commit, as git knows it: any text, and no account need stand behind it."""

    name: str | None = None
    email: str | None = None


class PushedCommit(Snapshot):
    """One entry of `commits`. `distinct` is false when an earlier push already brought the commit."""

    id: str = Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
    message: str = ""
    timestamp: Timestamp
    distinct: bool = True
    author: Author = Author()


class Pusher(Snapshot):
    """Who pushed; bots have no email, and a deploy key has neither."""

    name: str | None = None


class PushEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#push.

    A created ref has a `before`, a deleted one an `after` of zeros. `commits` holds at most 2048.
    """

    ref: str
    before: str
    after: str
    created: bool = False
    deleted: bool = False
    forced: bool = False
    commits: tuple[PushedCommit, ...] = ()
    head_commit: PushedCommit | None = None
    pusher: Pusher | None = None
    sender: Actor | None = None
    repository: Repository
