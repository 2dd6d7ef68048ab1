"""Public reports of receivers that went wrong, each as a few deliveries and the records that they must leave.

A file has the deliveries in the order of the report, the answer and status that each must have unless its own
step says another, and the rows.
"""

import asyncio
import json
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.apps import apps

from processing import batch_runner
from receiver.models import Delivery
from tests import emptying, github, servers
from tests.handlers.context import handle
from tests.processing.deliveries import drain
from tests.servers import SECRET

pytestmark = pytest.mark.django_db(transaction=True)

Case = dict[str, Any]
CASES: dict[str, Case] = {
    path.stem: json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("*.json"))
}
empty = sync_to_async(emptying.empty)
named = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


async def check(case: Case) -> None:
    """Compare the records with those of the case."""
    for told in case["records"]:
        model = apps.get_model("records", told["model"])
        rows = [row async for row in model._default_manager.filter(**told["where"])]
        assert len(rows) == told["count"], told
        for row in rows:
            found = {name: getattr(row, name) for name in told.get("fields", {})}
            assert found == told.get("fields", {}), told


@pytest.mark.full("sqlite")  # where each is handled in several orders
@named
async def test_as_it_was_reported(case: Case, http: aiohttp.ClientSession, receiver_url: str) -> None:
    runner = batch_runner.load("worker of the cases")
    for place, step in enumerate(case["steps"]):
        request = github.request(step["event"], step["payload"], secret=SECRET)
        request.headers |= step.get("headers", {})
        url = f"{receiver_url}/webhooks/github/{step.get('source', '')}"
        async with http.post(url, data=request.body, headers=request.headers) as answer:
            assert answer.status == step.get("answer", case["answer"]), place
        await drain(runner)
        delivery = await Delivery.objects.aget(
            guid=request.guid, hook_id=request.headers["X-GitHub-Hook-ID"], source=step.get("source", "")
        )
        assert delivery.status == step.get("status", case["status"]), place
        assert bool(delivery.error) == (delivery.status == "invalid"), delivery.error
    await check(case)


@pytest.mark.counts
@pytest.mark.full("postgresql")  # where each is handled as it was reported
@named
async def test_in_every_order_and_with_duplicates_the_records_are_the_same(case: Case) -> None:
    chance = Random(12)  # noqa: S311 - the same orders in every run
    steps = case["steps"]
    orders, tried = list(permutations(range(len(steps)))), servers.examples(5, 24)
    for place, order in enumerate(orders if len(orders) <= tried else chance.sample(orders, tried)):
        again = [chance.choice(order) for _ in range(2)]
        arrivals = [*order, *again]
        handled = [
            (step["event"], step["payload"], step.get("headers", {}))
            for step in (steps[index] for index in arrivals)
            if step.get("status", "succeeded") == "succeeded" and "answer" not in step
        ]
        await empty()
        at_once = len(handled) if place % 3 == 0 else 1
        for first in range(0, len(handled), at_once):
            await asyncio.gather(*(handle(*one) for one in handled[first : first + at_once]))
        try:
            await check(case)
        except AssertionError as error:
            raise AssertionError(f"in the order {arrivals}, {at_once} at once: {error}") from error
