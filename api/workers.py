"""The workers that are alive, as their heartbeats in Redis say."""

from datetime import datetime
from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Router
from pydantic import Field
from redis.exceptions import RedisError

from api.problems import ProblemError
from api.schemas import Id, Model, Page, refuse_parameters
from ledger import heartbeats

router = Router(tags=["workers"])


class Running(Model):
    """A delivery that a worker holds."""

    delivery: Id
    seconds: float = Field(description="how long it has held it, give or take two seconds")


class Worker(Model):
    """The last heartbeat of a living worker."""

    worker: str
    since: datetime
    at_work: int = Field(description="deliveries that it holds")
    running: list[Running] = Field(description="those that it has held longest")


@router.get("", response=Page[Worker], summary="List workers")
async def list_workers(request: HttpRequest) -> Page[Worker]:
    """List the workers that are alive. 503 while Redis does not answer, which costs no delivery."""
    refuse_parameters(request)
    try:
        alive = await sync_to_async(heartbeats.read)()
    except (RedisError, OSError) as error:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE, "Redis does not answer.", headers={"Retry-After": "5"}
        ) from error
    items = [
        Worker(
            worker=each.worker,
            since=each.since,
            at_work=each.at_work,
            running=[Running(delivery=pk, seconds=seconds) for pk, seconds in each.running.items()],
        )
        for each in alive
    ]
    return Page(items=items, next=None)
