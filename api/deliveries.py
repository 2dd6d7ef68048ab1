"""Deliveries: the list, one of them, its handler runs and its body."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from api.problems import ProblemError, invalid
from api.schemas import (
    DEFAULT_ITEMS,
    Content,
    Cursor,
    Id,
    Limit,
    Model,
    Moment,
    Page,
    Parameters,
    Text,
    link,
    must,
    number,
    page,
    rendered,
)
from ledger import filters, following, halves, paging
from ledger.filters import LARGEST_ID, Filter, InvalidFilterError
from receiver.frames import UnreadableBodyError
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger

logger = logging.getLogger(__name__)
router = Router(tags=["deliveries"])


class FilterFields(BaseModel):
    """The filters of deliveries. Several narrow the list together."""

    status: Status | None = None
    event: Text | None = Field(None, examples=["push"])
    action: Text | None = Field(None, examples=["opened"])
    repository: Text | None = Field(None, examples=["octo/cat"], description="a full name, in any case")
    number: Id | None = Field(None, description="of the pull request or issue")
    sender: Text | None = None
    source: Text | None = Field(None, description="`-` for /webhooks/github itself")
    hook: Id | None = None
    guid: UUID | None = None
    handler: Text | None = Field(None, examples=["push.record"])
    operation: Id | None = Field(None, description="that made it due again; a list has its newest 100,000")
    error: Text | None = Field(None, description="words of the error, in any case and order")
    since: Moment | None = Field(None, description="received at this time or later")
    until: Moment | None = Field(None, description="received before this time")


class Filters(Content, FilterFields):
    """The filters of deliveries, by name. Several narrow together."""


class Listed(Parameters, FilterFields):
    """The parameters of the list."""

    cursor: Cursor | None = None
    after: Id | None = Field(None, description="oldest first: what was stored after the delivery of this id")
    limit: Limit = DEFAULT_ITEMS


class DeliveryItem(Model):
    """A delivery without headers and body."""

    id: Id
    guid: UUID
    hook_id: Id
    source: str
    event: str = Field(examples=["push"])
    action: str
    repository: str = Field(examples=["octo/cat"])
    repository_id: Id | None
    number: int | None
    sender: str
    installation_id: Id | None
    received_at: datetime
    status: Status
    trigger: Trigger
    attempts: int
    redeliveries: int
    next_attempt_at: datetime | None
    finished_at: datetime | None
    worker: str
    error: str
    size: int | None = Field(description="bytes of the body")


class DeliveryDetail(DeliveryItem):
    """A delivery with GitHub's own headers."""

    headers: dict[str, str]
    content_type: str


class ListedRuns(Parameters):
    """The parameters of the runs of a delivery."""

    cursor: Id = Field("0", description="where the page begins, as in `next`")
    limit: Limit = DEFAULT_ITEMS


class Run(Model):
    """One run of one handler."""

    id: Id
    handler: str = Field(examples=["push.record"])
    attempt: int
    trigger: Trigger
    outcome: Outcome
    started_at: datetime
    duration: float = Field(description="seconds")
    error: str
    traceback: str
    superseded: bool


def chosen(parameters: Mapping[str, Any], within: str) -> Filter:
    """Return the filter of these values. Raises a 422 that names the wrong one, `within` the request."""
    try:
        return filters.exact({name: str(value) for name, value in parameters.items()}, timezone.now())
    except InvalidFilterError as error:
        raise invalid(f"{within}.{error.name}", str(error)) from None


@router.get("", response=Page[DeliveryItem], summary="List deliveries")
async def list_deliveries(request: HttpRequest, query: Query[Listed]) -> HttpResponse:
    """List deliveries, newest first; with `after` oldest first.

    To follow what arrives, ask for `after` the id of the last item again and again, from `after=0` on: it
    returns each delivery exactly once.
    """
    values = query.model_dump(exclude_none=True, exclude={"cursor", "after", "limit"})
    narrowed = chosen(values, "query")
    rows = filters.deliveries(narrowed).values_list("pk", *DeliveryItem.columns(), named=True)
    if query.after is not None:
        if query.cursor is not None:
            raise invalid("query.cursor", "cursor and after exclude each other")
        followed = await following.after(rows, min(int(query.after), LARGEST_ID), query.limit)
        place = link(request, after=followed.rows[-1].id) if followed.more else None
        return rendered(_page(followed.rows, place))
    key = paging.key(query.cursor or "")
    reach = await halves.reach(narrowed, key.older if key else None)
    listed = await (
        paging.before(rows, key, query.limit, reach)
        if key
        else paging.newest(rows, size=query.limit, reach=reach)
    )
    # A filter that no index finds looks at some deliveries, and its page may be short before the end.
    last = listed.last if listed.has_older else reach.settled
    return rendered(_page(listed.rows, link(request, cursor=last) if last else None))


def _page(rows: Sequence[Any], place: str | None) -> Page[DeliveryItem]:
    return Page[DeliveryItem](items=[row._asdict() for row in rows], next=place)


PathId = Annotated[str, Path(pattern=r"^[0-9]{1,19}$", description="the delivery's id")]


@router.get("/{id}", response=DeliveryDetail, summary="Get a delivery")
async def get_delivery(request: HttpRequest, id: PathId) -> HttpResponse:  # noqa: A002 - the API's name
    """Get a delivery with GitHub's own headers."""
    rows = Delivery.objects.filter(pk=number(id)).values(*DeliveryDetail.columns())
    return rendered(DeliveryDetail(**must(await rows.afirst())))


@router.get("/{id}/runs", response=Page[Run], summary="List the handler runs of a delivery")
async def list_runs(request: HttpRequest, id: PathId, query: Query[ListedRuns]) -> Page[Run]:  # noqa: A002
    """List the runs of handlers over a delivery, oldest first."""
    pk = number(id)
    if not await Delivery.objects.filter(pk=pk).aexists():
        must(None)
    rows = HandlerRun.objects.filter(delivery=pk, pk__gt=query.cursor).order_by("pk").values(*Run.columns())
    found = [Run(**row) async for row in rows[: query.limit + 1]]
    return page(request, found, query.limit, "id")


@router.get(
    "/{id}/body",
    summary="Get the body of a delivery",
    openapi_extra={
        "responses": {
            200: {
                "description": "the exact bytes that were signed, with the content type that came with them",
                "content": {"*/*": {}},
            },
            410: {"description": "the body was pruned, or what is stored of it is damaged"},
        }
    },
)
async def get_body(request: HttpRequest, id: PathId) -> HttpResponse:  # noqa: A002 - as above
    """Get the exact bytes that were signed, with the content type that came with them.

    410 once the body was pruned, and when its stored bytes are damaged.
    """
    rows = Delivery.objects.filter(pk=number(id)).values_list("body", "content_type")
    try:
        body, content_type = must(await rows.afirst())
    except UnreadableBodyError as error:
        logger.error("stored body unreadable delivery=%s error=%s", id, error)  # noqa: TRY400 - one line
        raise ProblemError(
            HTTPStatus.GONE,
            "The stored body cannot be decompressed: it was damaged, or a later version stored it.",
        ) from None
    if body is None:
        raise ProblemError(HTTPStatus.GONE, "The body was pruned, as KEEP_BODIES says.")
    return HttpResponse(
        bytes(body),
        content_type=content_type,
        headers={
            "Content-Disposition": "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
