"""`release`: a release was drafted, published, edited, withdrawn or deleted."""

from schemas import Actor, BigInt, Event, Former, Repository, Snapshot, Timestamp


class Release(Snapshot):
    """The snapshot of a release. A draft may have no name. Older servers do not send `updated_at`."""

    id: BigInt
    tag_name: str | None = None
    target_commitish: str | None = None
    name: str | None = None
    body: str | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    author: Actor | None = None
    created_at: Timestamp | None = None
    published_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class Changes(Snapshot):
    """The texts that `edited` replaced."""

    name: Former | None = None
    body: Former | None = None
    tag_name: Former | None = None


class ReleaseEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#release."""

    action: str
    release: Release
    changes: Changes | None = None
    repository: Repository
