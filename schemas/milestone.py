"""`milestone`: a milestone was created, edited, closed, reopened or deleted."""

from schemas import Actor, BigInt, Event, Former, Repository, Snapshot, Timestamp


class Milestone(Snapshot):
    """The snapshot of a milestone. `due_on` is optional."""

    number: BigInt
    title: str | None = None
    description: str | None = None
    state: str | None = None
    creator: Actor | None = None
    due_on: Timestamp | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    closed_at: Timestamp | None = None


class Changes(Snapshot):
    """The texts that `edited` replaced."""

    title: Former | None = None
    description: Former | None = None


class MilestoneEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#milestone."""

    foreign = frozenset({"issue", "pull_request"})

    action: str
    milestone: Milestone
    changes: Changes | None = None
    repository: Repository
