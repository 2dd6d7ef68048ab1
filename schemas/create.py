"""`create`: a branch or a tag was created. It has no id and no time but the repository's `pushed_at`."""

from typing import Annotated

from pydantic import Field

from schemas import Event, PushedRepository, RefName


class CreateEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#create."""

    foreign = frozenset({"before", "after", "commits"})

    ref: RefName
    ref_type: Annotated[str, Field(max_length=100)]
    master_branch: str | None
    """Payloads of `delete` do not have it."""
    repository: PushedRepository
