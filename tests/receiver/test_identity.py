"""Source, guid and hook identify a delivery, and the body of a key never changes."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from receiver.frames import PLAIN, compress
from receiver.models import Delivery, Rejection
from tests import github
from tests.servers import ACME_SECRET, PREVIOUS_SECRET, SECRET

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(http: aiohttp.ClientSession, receiver_url: str) -> Any:
    async def send(request: github.Request, source: str = "") -> tuple[int, dict[str, str]]:
        url = f"{receiver_url}/webhooks/github{f'/{source}' if source else ''}"
        async with http.post(url, data=request.body, headers=request.headers) as answer:
            return answer.status, await answer.json()

    return send


async def stored() -> dict[str, bytes]:
    """Return the body of each delivery by source."""
    return {
        source: bytes(body or b"") async for source, body in Delivery.objects.values_list("source", "body")
    }


async def rejected(event: str) -> list[tuple[str, int]]:
    """Return reasons and statuses of the rejections of an event; the receiver writes them once a second."""
    found = Rejection.objects.filter(event=event)
    async with asyncio.timeout(30):
        while not await found.aexists():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return [row async for row in found.values_list("reason", "status")]


async def test_a_guid_that_another_source_used_first_is_still_stored(post: Any) -> None:
    guid = str(uuid4())
    squatter = github.request("push", b'{"zen": "mine"}', guid=guid, secret=ACME_SECRET)
    victim = github.sample("push__branch", guid=guid)
    assert (await post(squatter, "acme"))[0] == 202
    assert await post(victim) == (202, {"guid": guid, "status": "accepted"})
    assert await stored() == {"acme": squatter.body, "": victim.body}


async def test_a_guid_is_not_taken_by_a_request_with_a_wrong_signature(post: Any) -> None:
    genuine = github.sample("push__branch")
    forged = github.sample("push__branch", guid=genuine.guid, secret="a guess")
    assert (await post(forged))[0] == 403
    assert await post(genuine) == (202, {"guid": genuine.guid, "status": "accepted"})


@pytest.mark.parametrize("kind", ["repository", "organization", "integration", "business", "of tomorrow"])
async def test_what_a_hook_belongs_to_is_an_open_set(post: Any, kind: str) -> None:
    request = github.sample("push__branch")
    name = "X-GitHub-Hook-Installation-Target-Type"
    request.headers[name] = kind
    assert (await post(request))[0] == 202
    assert (await Delivery.objects.aget()).headers[name] == kind


async def test_the_same_key_with_another_body_is_409_and_changes_nothing(post: Any) -> None:
    first = github.sample("push__branch")
    other = github.request("only_rejected", b'{"zen": "another body"}', guid=first.guid)
    assert (await post(first))[0] == 202
    before = await Delivery.objects.values().aget()
    status, told = await post(other)
    assert (status, list(told)) == (409, ["error"])
    assert await Delivery.objects.values().aget() == before
    assert await rejected("only_rejected") == [("another body", 409)]
    assert (await post(first))[0] == 200


@pytest.mark.parametrize("status", ["received", "processing", "succeeded", "dead", "invalid", "ignored"])
async def test_the_same_body_under_another_event_is_409_and_changes_nothing(post: Any, status: str) -> None:
    first = github.sample("push__branch")
    other = github.request("only_renamed", first.body, guid=first.guid)
    assert (await post(first))[0] == 202
    await Delivery.objects.aupdate(status=status)
    before = await Delivery.objects.values().aget()
    assert (await post(other))[0] == 409
    assert await Delivery.objects.values().aget() == before
    assert await rejected("only_renamed") == [("another body", 409)]


@pytest.mark.parametrize("status", ["dead", "invalid", "ignored"])
async def test_another_body_does_not_reopen_what_failed(post: Any, status: str) -> None:
    first = github.sample("push__branch")
    assert (await post(first))[0] == 202
    await Delivery.objects.aupdate(status=status, next_attempt_at=None)
    assert (await post(github.request("push", b"{}", guid=first.guid)))[0] == 409
    assert (await Delivery.objects.aget()).status == status


async def test_a_redelivery_that_is_signed_after_a_rotation_is_a_duplicate(post: Any) -> None:
    first = github.sample("push__branch", secret=PREVIOUS_SECRET)
    again = github.sample("push__branch", secret=SECRET, guid=first.guid)
    assert [(await post(request))[1]["status"] for request in (first, again)] == ["accepted", "duplicate"]


async def test_two_bodies_for_one_key_at_once_make_one_row_and_one_409(post: Any) -> None:
    for _ in range(10):
        guid = str(uuid4())
        bodies = [json.dumps({"zen": zen}).encode() for zen in ("one", "two")]
        answers = await asyncio.gather(*(post(github.request("ping", body, guid=guid)) for body in bodies))
        assert sorted(status for status, _ in answers) == [202, 409]
        kept = (await Delivery.objects.aget(guid=guid)).body
        assert kept == bodies[[status for status, _ in answers].index(202)]


def as_of_version_0_1(body: bytes) -> None:
    """Give all rows no digest, and this body without a dictionary."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE receiver_delivery SET digest = NULL, size = NULL, body = %s", [compress(body, PLAIN)]
        )


async def test_a_row_of_the_version_before_is_known_by_its_body(post: Any) -> None:
    first = github.sample("push__branch")
    assert (await post(first))[0] == 202
    await sync_to_async(as_of_version_0_1)(first.body)
    assert (await post(github.request("push", b"{}", guid=first.guid)))[0] == 409
    assert (await Delivery.objects.aget()).digest is None
    assert (await post(first))[0] == 200
    row = await Delivery.objects.aget()
    assert row.digest is not None
    assert row.redeliveries == 1
