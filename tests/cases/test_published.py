"""GitHub's published examples, each as a delivery: none is invalid, dead or tried again."""

import pytest
from asgiref.sync import sync_to_async

from processing import batch_runner
from receiver.models import Delivery, HandlerRun
from tests import github
from tests.processing.deliveries import drain, stored

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not github.OCTOKIT.exists(), reason="GitHub's examples do not lie beside the checkout"
    ),
]


async def test_every_published_example_is_succeeded_or_ignored() -> None:
    examples = sorted(github.OCTOKIT.glob("*.json"))
    deliveries = {}
    for path in examples:
        event = path.name.partition("__")[0]
        row = await sync_to_async(stored)(event=event, body=path.read_bytes())
        deliveries[row.pk] = path.stem
    await drain(batch_runner.load("worker of the examples"))
    rows = Delivery.objects.exclude(status__in=["succeeded", "ignored"])
    assert {deliveries[row.pk]: row.error async for row in rows} == {}
    assert await Delivery.objects.acount() == len(examples) > 300
    assert await HandlerRun.objects.exclude(outcome="succeeded").acount() == 0
