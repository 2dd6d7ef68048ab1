"""The parts that statuses of commits and of deployments share."""

from schemas._base import BigInt, Snapshot, Timestamp


class Post(Snapshot):
    """One status. It has its own id and never changes; the next state is another status."""

    id: BigInt
    state: str | None = None
    description: str | None = None
    target_url: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
