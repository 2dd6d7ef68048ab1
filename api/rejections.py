"""Lists rejected requests, and events that no handler wanted."""

from datetime import date, datetime, timedelta
from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from api.schemas import Id, Listed, Model, Page, Parameters, Text, newest_first, refuse_parameters
from ledger import unmatched
from receiver.models import Reason, Rejection, RejectionCount

router = Router(tags=["rejections"])


class ListedRejections(Listed):
    """The parameters of the rejections."""

    reason: Reason | None = None
    source: Text | None = None


class Rejected(Model):
    """A rejected request. Its address, source and event are unverified."""

    id: Id
    at: datetime
    reason: Reason
    status: int = Field(description="the HTTP status it was answered with")
    detail: str
    address: str
    source: str
    event: str
    size: int = Field(description="bytes of the body that were read")


class Counted(Model):
    """Rejections for one reason on one day (UTC)."""

    day: date
    reason: Reason
    count: int


class Days(Parameters):
    """The parameters of the counts."""

    days: Annotated[int, Field(ge=1, le=366, description="days up to today")] = 7


class Unmatched(Model):
    """An event with its action that no handler wanted, in the last seven days."""

    event: str
    action: str
    number: int
    newest_id: Id = Field(description="the newest of these deliveries")
    newest_at: datetime


@router.get("/rejections", response=Page[Rejected], summary="List rejections")
async def list_rejections(request: HttpRequest, query: Query[ListedRejections]) -> Page[Rejected]:
    """List the last thousand rejected requests, newest first."""
    rows = Rejection.objects.filter(**query.filters())
    return await newest_first(request, rows, Rejected, query)


@router.get("/rejections/counts", response=Page[Counted], summary="Count rejections")
async def count_rejections(request: HttpRequest, query: Query[Days]) -> Page[Counted]:
    """Count rejections by day and reason, newest day first."""
    since = timezone.now().date() - timedelta(days=query.days - 1)
    rows = RejectionCount.objects.filter(day__gte=since).order_by("-day", "reason")
    return Page(items=[Counted(**row) async for row in rows.values(*Counted.model_fields)], next=None)


@router.get("/unmatched", response=Page[Unmatched], summary="List unmatched events")
async def list_unmatched(request: HttpRequest) -> Page[Unmatched]:
    """List the events of the last seven days that no handler wanted, the most frequent first."""
    refuse_parameters(request)
    return Page(
        items=[
            Unmatched(
                event=each.event,
                action=each.action,
                number=each.number,
                newest_id=each.newest,
                newest_at=each.newest_at,
            )
            for each in await unmatched.unmatched(timezone.now())
        ],
        next=None,
    )
