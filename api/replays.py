"""Replay: one delivery, or many by their ids."""

import logging
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field
from redis.exceptions import RedisError

from api.deliveries import PathId
from api.idempotency import Key, once
from api.problems import conflict
from api.schemas import MOST_ITEMS, Body, Model, ReplayOutcome, must, number
from ledger.filters import LARGEST
from receiver import queue
from receiver.models import Delivery, Trigger

logger = logging.getLogger(__name__)
router = Router(tags=["deliveries"])

REPLAYED = "replayed"
HELD = "held"
UNKNOWN = "unknown"
REFUSED = "refused"


# Longer ones than any id, so that a wrong id is an outcome and not the end of the batch.
GivenId = Annotated[str, Field(max_length=100)]


class ReplayIds(Body):
    """The deliveries to replay, by id."""

    ids: Annotated[list[GivenId], Field(min_length=1, max_length=MOST_ITEMS, examples=[["1041", "1042"]])]


class Outcomes(Model):
    """What became of each id, in the order of the request."""

    outcomes: list[ReplayOutcome]


@router.post("/replay", response=Outcomes, summary="Replay deliveries")
async def replay_many(request: HttpRequest, body: ReplayIds, key: Key = None) -> dict[str, Any]:
    """Make up to 200 deliveries due again, each on its own: one that cannot be replayed stops no other.

    Outcomes: `replayed`; `held`: a worker is processing it; `unknown`: no such delivery; `refused`: the id is
    not a number, or is in the list twice.
    """
    return await _replay(request, key, body.ids)


@router.post("/{id}/replay", response={202: ReplayOutcome}, summary="Replay a delivery")
async def replay_one(request: HttpRequest, id: PathId, key: Key = None) -> Status[Any]:  # noqa: A002 - the API's name
    """Make a delivery due again. 409 while a worker is processing it."""
    number(id)
    [outcome] = (await _replay(request, key, [id]))["outcomes"]
    if outcome["outcome"] == HELD:
        raise conflict(outcome["detail"])
    must(None if outcome["outcome"] == UNKNOWN else outcome)
    return Status(202, outcome)


async def _replay(request: HttpRequest, key: str | None, ids: list[str]) -> dict[str, Any]:
    token = request.auth  # type: ignore[attr-defined] # ninja sets what `authenticate` returned
    events: set[str] = set()

    def work() -> dict[str, Any]:
        outcomes, due = reopen(ids)
        events.update(due)
        return {"outcomes": outcomes}

    answer, _ = await sync_to_async(once)(request, token, key, work)
    if events:
        logger.info("replay token=%s deliveries=%d", token.name, len(ids))
        await _wake(events)
    return answer


@transaction.atomic
def reopen(ids: list[str]) -> tuple[list[dict[str, str]], set[str]]:
    """Make deliveries due again; return the outcome of each id, and the events of those that are due."""
    numbers = {int(text) for text in ids if _is_id(text)}
    due = set(Delivery.objects.reopen(numbers, Trigger.REPLAY))
    stored = dict(Delivery.objects.filter(pk__in=numbers).values_list("pk", "event"))
    seen: set[str] = set()
    outcomes = []
    for text in ids:
        outcome, detail = (
            (REFUSED, "it is in the list twice") if text in seen else _outcome(text, due, stored)
        )
        seen.add(text)
        outcomes.append({"id": text, "outcome": outcome, "detail": detail})
    return outcomes, {stored[pk] for pk in due}


def _outcome(text: str, due: set[int], stored: dict[int, str]) -> tuple[str, str]:
    if not _is_id(text):
        return REFUSED, "an id is a decimal number"
    if int(text) in due:
        return REPLAYED, "a worker processes it next"
    if int(text) in stored:
        return HELD, "a worker is processing it"
    return UNKNOWN, "there is no such delivery"


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST)) and int(text) <= LARGEST


async def _wake(events: set[str]) -> None:
    """Enqueue wake-ups. Without them, workers find the deliveries within a second."""
    try:
        async with queue.connect() as redis:
            await queue.enqueue(redis, events)
    except (RedisError, OSError) as error:
        logger.warning("wake-ups not enqueued count=%d error=%s", len(events), error)
