"""`delete`: a branch or a tag was deleted. It has no id and no time but the repository's `pushed_at`."""

from typing import Annotated

from pydantic import Field

from schemas import Event, PushedRepository, RefName


class DeleteEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#delete."""

    foreign = frozenset({"master_branch", "before", "after", "commits"})

    ref: RefName
    ref_type: Annotated[str, Field(max_length=100)]
    repository: PushedRepository
