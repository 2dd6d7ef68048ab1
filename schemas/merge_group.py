"""`merge_group`: a merge queue made a commit to be checked, or is done with it."""

from schemas import Event, RefName, Repository, Sha, Snapshot


class MergeGroup(Snapshot):
    """The commit that the queue made, and what it is to be merged into."""

    head_sha: Sha
    head_ref: RefName
    base_sha: Sha | None = None
    base_ref: RefName


class MergeGroupEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#merge_group."""

    action: str
    merge_group: MergeGroup
    reason: str | None = None
    """Why it was destroyed: merged, invalidated or dequeued."""
    repository: Repository
