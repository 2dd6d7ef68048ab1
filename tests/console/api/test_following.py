"""Two programs that follow what arrives see every delivery once, in the same order."""

import asyncio
import json

import aiohttp
import pytest

from receiver.models import Delivery
from tests import github, servers
from tests.console.api.conftest import Programs
from tests.console.api.programs import Program

SENDERS = 16
# A page that is full has a next one at once; so pages are smaller than what arrives between two of them.
PAGE = 20


@pytest.mark.counts
async def test_two_readers_see_each_arriving_delivery_exactly_once(
    api: Programs, receiver_url: str, http: aiohttp.ClientSession
) -> None:
    count = servers.examples(120, 5_000)
    requests = iter([github.sample("push__branch") for _ in range(count)])

    async def send() -> None:
        for request in requests:
            async with http.post(
                f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
            ) as answer:
                assert answer.status == 202

    readers = [asyncio.create_task(follow(api.reader, count, http)) for _ in range(2)]
    await asyncio.gather(*(send() for _ in range(SENDERS)))
    seen = await asyncio.gather(*readers)
    stored = [str(pk) async for pk in Delivery.objects.order_by("pk").values_list("pk", flat=True)]
    assert len(stored) == count
    assert seen == [stored, stored]


async def follow(reader: Program, count: int, http: aiohttp.ClientSession) -> list[str]:
    """Return the ids of the first `count` deliveries as one program sees them arrive."""
    headers = {"Authorization": f"Bearer {reader.token}"}
    seen: list[str] = []
    async with asyncio.timeout(90):
        while len(seen) < count:
            place = f"/api/v1/deliveries?limit={PAGE}&after={seen[-1] if seen else 0}"
            async with http.get(reader.url + place, headers=headers) as answer:
                assert answer.status == 200
                seen += [item["id"] for item in json.loads(await answer.read())["items"]]
    return seen
