"""What is sent again after its body was pruned: still a duplicate, and repaired where it had failed."""

from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from receiver import store
from receiver.arrivals import Arrival
from receiver.models import Delivery, Status, digest_of
from receiver.parts import Parts
from receiver.store import Receipt, Stored

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b'{"zen": "\xc3\xa9"}'


def sent(row: Delivery, body: bytes = BODY) -> Arrival:
    """Return the request of a delivery, sent again."""
    return Arrival(
        str(row.guid), row.hook_id, row.source, 0, "push", {"X-GitHub-Event": "push"}, "application/json",
        body, digest_of(body),
    )  # fmt: skip


@sync_to_async
def pruned(status: Status, **changes: Any) -> Delivery:
    """Store a delivery whose body was pruned."""
    now = timezone.now()
    fields = {
        "guid": uuid4(), "hook_id": 1, "event": "push", "headers": {}, "content_type": "application/json",
        "body": None, "size": len(BODY), "digest": digest_of(BODY), "received_at": now,
        "finished_at": now, "status": status,
    }  # fmt: skip
    return Delivery.objects.create(**{**fields, **changes})


async def commit(parts: Parts, arrival: Arrival) -> Receipt:
    [outcome] = await store.store(parts.intake.writers[0], [arrival])
    return cast(Stored, outcome).receipt


async def test_the_same_body_is_a_duplicate_and_another_one_a_conflict(parts: Parts) -> None:
    row = await pruned(Status.SUCCEEDED)
    assert await commit(parts, sent(row)) == Receipt.DUPLICATE
    assert await commit(parts, sent(row, b"{}")) == Receipt.CONFLICT
    after = await Delivery.objects.aget(pk=row.pk)
    assert (after.body, after.status, after.redeliveries) == (None, Status.SUCCEEDED, 1)
    assert after.finished_at == row.finished_at


@pytest.mark.parametrize("status", [Status.DEAD, Status.INVALID, Status.IGNORED])
async def test_a_failed_one_gets_its_body_back_and_is_processed_again(status: Status, parts: Parts) -> None:
    row = await pruned(status)
    assert await commit(parts, sent(row, b"{}")) == Receipt.CONFLICT
    assert (await Delivery.objects.aget(pk=row.pk)).body is None
    assert await commit(parts, sent(row)) == Receipt.REDELIVERED
    after = await Delivery.objects.aget(pk=row.pk)
    assert (after.body, after.status, after.finished_at) == (BODY, Status.RECEIVED, None)


async def test_a_body_that_came_back_is_not_pruned_before_it_is_processed_again(parts: Parts) -> None:
    row = await pruned(Status.DEAD, finished_at=timezone.now() - timedelta(days=40))
    await parts.intake.writers[0].redeliver([sent(row)], [1])
    after = await Delivery.objects.aget(pk=row.pk)
    assert row.finished_at is not None
    assert after.finished_at is not None
    assert (after.body, after.finished_at > row.finished_at) == (BODY, True)


async def test_where_only_the_key_is_left_nothing_is_processed_again(parts: Parts) -> None:
    row = await pruned(Status.DEAD, only_key=True)
    assert await commit(parts, sent(row)) == Receipt.DUPLICATE
    assert await commit(parts, sent(row, b"{}")) == Receipt.CONFLICT
    after = await Delivery.objects.aget(pk=row.pk)
    assert (after.body, after.headers, after.status, after.only_key) == (None, {}, Status.DEAD, True)


@pytest.mark.parametrize("only_key", [False, True])
async def test_the_signed_bytes_of_a_recovered_one_identify_it_from_then_on(
    only_key: bool, parts: Parts
) -> None:
    row = await pruned(Status.SUCCEEDED, unsigned=True, digest=b"of parsed JSON..", only_key=only_key)
    assert await commit(parts, sent(row)) == Receipt.DUPLICATE
    assert await commit(parts, sent(row, b"{}")) == Receipt.CONFLICT
    after = await Delivery.objects.aget(pk=row.pk)
    assert (after.body, after.unsigned, after.headers) == (
        None, False, {} if only_key else {"X-GitHub-Event": "push"},
    )  # fmt: skip
