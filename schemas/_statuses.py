"""The shape of the states that people and programs post, of commits and of deployments."""

from schemas._base import BigInt, Snapshot, Timestamp


class Post(Snapshot):
    """One post. It has an id of its own and never changes; the next state is another post."""

    id: BigInt
    state: str
    description: str | None = None
    target_url: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
