"""Operations: long pieces of work, to list, to watch and to cancel."""

from datetime import datetime
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, JsonValue

from api.problems import conflict
from api.schemas import Id, Listed, Model, Page, must, newest_first, number, requester
from ledger import operations, outcomes
from ledger.models import Change, Kind, Operation, State
from receiver.models import Status

router = Router(tags=["operations"])

# Changes of one operation in an answer. Each claim by a worker is one.
MAX_CHANGES = 1_000


class ListedOperations(Listed):
    """The parameters of the list."""

    kind: Kind | None = None
    state: State | None = None


class OperationItem(Model):
    """An operation."""

    id: Id
    kind: Kind
    state: State
    parameters: dict[str, JsonValue] = Field(description="what to do, as its kind defines it")
    rate: float = Field(description="items per second at most; 0 is no limit")
    requested_by: str
    estimated: int | None = Field(description="items; null while unknown")
    done: int
    failed: int
    failures: dict[str, int] = Field(description="failed items by reason")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str


class StateChange(Model):
    """A change of an operation's state."""

    at: datetime
    state: State
    by: str = Field(description="a person, a token, or a worker")


class Replayed(Model):
    """What became of the deliveries that a replay made due, as they are now."""

    statuses: dict[Status, int] = Field(description="deliveries by status, without those that none has")
    pruned: int | None = Field(description="deliveries of which only the key is left; null with `more`")
    more: bool = Field(description="there are more: the newest 100,000 are counted")


class OperationDetail(OperationItem):
    """An operation with its story, oldest first."""

    replayed: Replayed | None = Field(description="of a replay")
    changes: list[StateChange]


PathId = Annotated[str, Path(pattern=r"^[0-9]{1,19}$", description="the operation's id")]


@router.get("", response=Page[OperationItem], summary="List operations")
async def list_operations(request: HttpRequest, query: Query[ListedOperations]) -> Page[OperationItem]:
    """List operations with user, parameters and outcome, newest first."""
    rows = Operation.objects.filter(**query.filters())
    return await newest_first(request, rows, OperationItem, query)


@router.get("/{id}", response=OperationDetail, summary="Get an operation")
async def get_operation(request: HttpRequest, id: PathId) -> OperationDetail:  # noqa: A002 - the API's name
    """Get an operation with its progress, its story and, of a replay, what became of its deliveries."""
    return await detail(number(id))


@router.post(
    "/{id}/cancel",
    response=OperationDetail,
    summary="Cancel an operation",
    openapi_extra={"responses": {409: {"description": "it has ended"}}},
)
async def cancel_operation(request: HttpRequest, id: PathId) -> OperationDetail:  # noqa: A002 - as above
    """Cancel an operation. What it has done stays done. 409 if it has ended."""
    pk = number(id)
    cancelled = await sync_to_async(operations.cancel)(pk, requester(request))
    found = await detail(pk)
    if not cancelled:
        raise conflict(f"It has ended before: {found.state}.")
    return found


async def detail(pk: int) -> OperationDetail:
    """Return an operation with its story. Raises a 404."""
    operation = must(await Operation.objects.filter(pk=pk).afirst())
    row = {name: getattr(operation, name) for name in OperationItem.columns()}
    became = await outcomes.of(operation)
    newest: Any = Change.objects.filter(operation=pk).order_by("-pk").values("at", "state", "by")
    changes = [StateChange(**each) async for each in newest[:MAX_CHANGES]]
    replayed = became and Replayed(
        statuses={status: count.number for status, count in became.statuses.items()},
        pruned=became.pruned,
        more=became.pruned is None,
    )
    return OperationDetail(**row, replayed=replayed, changes=changes[::-1])
