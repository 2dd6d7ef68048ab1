"""GitHub's published examples, each as a delivery of two servers with equal ids: none is invalid or dead."""

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps

from processing import batch_runner
from receiver.models import Delivery, HandlerRun
from tests import github
from tests.processing.deliveries import drain, stored

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.full("postgresql"),
    pytest.mark.skipif(
        not github.OCTOKIT.exists(), reason="GitHub's examples do not lie beside the checkout"
    ),
]


async def process(server: str) -> dict[int, str]:
    """Process all examples as deliveries of this server; return their names by the deliveries' ids."""
    deliveries = {}
    for path in sorted(github.OCTOKIT.glob("*.json")):
        body = path.read_text()
        for scheme in ("https", "http"):
            body = body.replace(f"{scheme}://api.github.com", f"https://{server}/api/v3")
            body = body.replace(f"{scheme}://github.com", f"https://{server}")
        event = path.name.partition("__")[0]
        row = await sync_to_async(stored)(event=event, body=body.encode())
        deliveries[row.pk] = path.stem
    await drain(batch_runner.load("worker of the examples"))
    return deliveries


async def counted() -> dict[str, int]:
    models = apps.get_app_config("records").get_models()
    return {model.__name__: await model._default_manager.acount() for model in models}


async def test_every_published_example_is_succeeded_or_ignored_and_servers_share_no_row() -> None:
    deliveries = await process("github.com")
    of_one = await counted()
    deliveries |= await process("git.lantern.example")
    assert await counted() == {name: 2 * count for name, count in of_one.items()}
    # The example of a rename names the same login twice.
    assert [name for name, count in of_one.items() if not count] == ["AccountRename"]
    rows = Delivery.objects.exclude(status__in=["succeeded", "ignored"])
    assert {deliveries[row.pk]: row.error async for row in rows} == {}
    assert await Delivery.objects.acount() == len(deliveries) > 600
    assert await HandlerRun.objects.exclude(outcome="succeeded").acount() == 0
