"""Replay: one delivery, many by their ids, or any number by a filter."""

import re
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Body, Router, Status
from pydantic import Discriminator, Field, Tag

from api.deliveries import Filters, PathId, chosen
from api.idempotency import Key, once
from api.operations import OperationDetail, detail
from api.problems import conflict, invalid
from api.schemas import MAX_ITEMS, Content, Model, ReplayOutcome, caller, must, number, requester
from ledger import counting, operations, replays
from ledger.filters import LARGEST_ID
from ledger.models import Kind
from ledger.replays import Fate, Reopened
from ledger.selection import Selection
from receiver import queue
from receiver.models import Delivery

router = Router(tags=["deliveries"])

REFUSED = "refused"
DETAILS = {
    Fate.REPLAYED: "a worker processes it next",
    Fate.HELD: "a worker is processing it",
    Fate.PRUNED: "its body was pruned: there is nothing to run",
    Fate.UNKNOWN: "there is no such delivery",
}

# Names of the two kinds of bodies, which pydantic puts into the places of errors.
_IDS, _FILTER = "<ids>", "<filter>"
TAGS = frozenset({_IDS, _FILTER})

# Longer ones than any id, so that a wrong id is an outcome and not the end of the batch.
GivenId = Annotated[str, Field(max_length=100)]
_CONFLICT = {"responses": {409: {"description": "a worker is processing it, or its body was pruned"}}}


class ReplayIds(Content):
    """The deliveries to replay, by id."""

    ids: Annotated[list[GivenId], Field(min_length=1, max_length=MAX_ITEMS, examples=[["1041", "1042"]])]


class ReplayFilter(Content):
    """The deliveries to replay, by the filters of the list. At least one is needed."""

    filter: Filters
    rate: float = Field(
        0.0, strict=True, ge=0, le=1_000_000, description="deliveries per second at most; 0 is no limit"
    )


def _kind(body: object) -> str:
    """Return which of the two it is, so that an error is about that one alone."""
    return _FILTER if isinstance(body, dict) and "filter" in body else _IDS


ReplayBody = Annotated[
    Annotated[ReplayIds, Tag(_IDS)] | Annotated[ReplayFilter, Tag(_FILTER)], Discriminator(_kind)
]


class Outcomes(Model):
    """The outcome of each id, in the order of the request."""

    outcomes: list[ReplayOutcome]


@router.post("/replay", response={200: Outcomes, 202: OperationDetail}, summary="Replay deliveries")
async def replay_many(
    request: HttpRequest, response: HttpResponse, body: Body[ReplayBody], key: Key = None
) -> Status[Any]:
    """Make deliveries due again: up to 200 by their ids, or any number by a filter.

    Ids are replayed at once, each on its own: one that cannot be replayed stops no other. Outcomes:
    `replayed`; `held`: a worker is processing it; `pruned`: its body was pruned; `unknown`: no such delivery;
    `refused`: the id is not a number, or is in the list twice. A filter is an operation, which a worker runs:
    202.
    """
    if isinstance(body, ReplayIds):
        return Status(200, await _replay(request, key, body.ids))
    given = body.filter.model_dump(mode="json", exclude_none=True)
    if not given:
        raise invalid("body.filter", "at least one filter is needed; since=2000-01-01 chooses everything")
    values = chosen(given, "body.filter").chosen

    def work() -> dict[str, Any]:
        selection = Selection.of(values)
        found = selection.rows[: counting.CAP + 1].count()
        operation = operations.create(
            Kind.REPLAY,
            selection.parameters,
            requester(request),
            rate=body.rate,
            estimated=found if found <= counting.CAP else None,
        )
        return {"operation": operation.pk}

    answer, _ = await sync_to_async(once)(request, caller(request), key, work)
    response["Location"] = f"/api/v1/operations/{answer['operation']}"
    return Status(202, await detail(answer["operation"]))


@router.post(
    "/{id}/replay", response={202: ReplayOutcome}, summary="Replay a delivery", openapi_extra=_CONFLICT
)
async def replay_one(request: HttpRequest, id: PathId, key: Key = None) -> Status[Any]:  # noqa: A002 - the API's name
    """Make a delivery due again. 409 while a worker is processing it, and when its body was pruned."""
    number(id)
    [outcome] = (await _replay(request, key, [id]))["outcomes"]
    if outcome["outcome"] in {Fate.HELD, Fate.PRUNED}:
        raise conflict(outcome["detail"])
    must(None if outcome["outcome"] == Fate.UNKNOWN else outcome)
    return Status(202, outcome)


async def _replay(request: HttpRequest, key: str | None, ids: list[str]) -> dict[str, Any]:
    events: frozenset[str] = frozenset()

    def work() -> dict[str, Any]:
        nonlocal events
        outcomes, events = reopen(ids, requester(request))
        return {"outcomes": outcomes}

    answer, _ = await sync_to_async(once)(request, caller(request), key, work)
    if events:
        await queue.wake_workers(events)
    return answer


def reopen(ids: list[str], requested_by: str) -> tuple[list[dict[str, str]], frozenset[str]]:
    """Make deliveries due again; return the outcome of each id, and the events of those that are due."""
    numbers = sorted({int(text) for text in ids if _is_id(text)})
    reopened = Reopened(dict.fromkeys(numbers, Fate.UNKNOWN), frozenset())
    if Delivery.objects.filter(pk__any=numbers).exists():
        reopened = replays.at_once(numbers, requested_by)[1]
    seen: set[int | str] = set()
    outcomes = []
    for text in ids:
        known = int(text) if _is_id(text) else text  # 07 and 7 are one id
        if known in seen:
            outcome, detail = REFUSED, "it is in the list twice"
        elif isinstance(known, str):
            outcome, detail = REFUSED, "an id is a decimal number"
        else:
            outcome = reopened.fates[known]
            detail = DETAILS[outcome]
        seen.add(known)
        outcomes.append({"id": text, "outcome": outcome, "detail": detail})
    return outcomes, reopened.events


def _is_id(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,19}", text)) and int(text) <= LARGEST_ID
