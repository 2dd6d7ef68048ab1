"""Deliveries that GitHub lists and that did not arrive, as recovery found them."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from api.schemas import Id, Listed, Model, Page, Text, newest_first
from upstream.models import Missed, MissedState

router = Router(tags=["missed"])


class ListedMissed(Listed):
    """The parameters of the list."""

    state: MissedState | None = None
    event: Text | None = Field(None, examples=["push"])
    hook: Id | None = None


class MissedDelivery(Model):
    """A delivery that GitHub lists and that the ledger did not have."""

    id: Id
    guid: UUID
    hook_id: Id
    hook: str = Field(validation_alias="watched__name", description="owner/name, login, or App id")
    event: str = Field(examples=["push"])
    action: str
    delivered_at: datetime = Field(description="GitHub's time of the newest attempt")
    outcome: str = Field(description="what GitHub says about that attempt")
    state: MissedState
    asks: int = Field(description="requests to deliver it again")
    found_at: datetime
    asked_at: datetime | None
    arrived_at: datetime | None
    reason: str = Field(description="why it is lost or was refused, or how it arrived")


@router.get("", response=Page[MissedDelivery], summary="List missed deliveries")
async def list_missed(request: HttpRequest, query: Query[ListedMissed]) -> Page[MissedDelivery]:
    """List the deliveries that GitHub could not deliver, newest first, with their outcomes."""
    filters = query.filters()
    if hook := filters.pop("hook", None):
        filters["hook_id"] = hook
    return await newest_first(request, Missed.objects.filter(**filters), MissedDelivery, query)
