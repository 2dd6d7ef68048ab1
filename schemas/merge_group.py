"""`merge_group`: a merge queue created a group to be checked, or destroyed it."""

from schemas import Event, RefName, Repository, Sha, Snapshot


class MergeGroup(Snapshot):
    """The commit of the group, and the branch to merge into."""

    head_sha: Sha
    head_ref: RefName | None = None
    base_sha: Sha | None = None
    base_ref: RefName | None = None


class MergeGroupEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#merge_group."""

    action: str
    merge_group: MergeGroup
    reason: str | None = None
    """The reason of its destruction: merged, invalidated or dequeued."""
    repository: Repository
