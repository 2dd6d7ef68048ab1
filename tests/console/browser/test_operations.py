"""Replay in a real browser with a real worker: of one dead delivery, and of all that match a filter."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from playwright.async_api import Browser, expect

from ledger.models import Operation, Replay
from receiver.models import Delivery, HandlerRun, Outcome, Reason, Rejection, Status, Trigger
from tests import processes, servers
from tests.console.browser.conftest import Screen, opened
from tests.console.conftest import Console, manage
from tests.console.kept import kept

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.counts]

COUNT = servers.examples(60, 5_000)
ENDED_WITHIN = 120.0  # seconds


@pytest.fixture(scope="module")
def worker(accounts: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A worker on the console's database, for all tests of the module."""
    with processes.worker(tmp_path_factory.mktemp("worker") / "worker.log", DATABASE_URL=accounts):
        yield


@sync_to_async
def dead(count: int = 1) -> list[Delivery]:
    """Dead deliveries, which succeed once they are replayed."""
    error = "push.record: OSError: no route to host"
    one = kept(status=Status.DEAD, attempts=8, finished_at=timezone.now(), error=error)
    HandlerRun.objects.create(
        delivery=one, handler="push.record", attempt=8, trigger=Trigger.RETRY, outcome=Outcome.FAILED,
        started_at=timezone.now(), duration=0.3, error="OSError: no route to host",
        traceback='File "records/pushes.py", line 3, in record',
    )  # fmt: skip
    columns = {field.attname: getattr(one, field.attname) for field in Delivery._meta.concrete_fields[1:]}
    others = [Delivery(**columns | {"guid": uuid4()}) for _ in range(1, count)]
    return [one, *Delivery.objects.bulk_create(others)]


async def test_the_first_run_shows_a_refusal_then_turns_into_the_first_delivery_and_what_it_wrote(
    screen: Screen, worker: None, receiver_url: str
) -> None:
    page = screen.page
    await page.goto("/")
    await expect(page.get_by_text("Nothing has come yet")).to_be_visible()
    await expect(page.locator("#try")).to_have_text(
        f"HOOKKEEPER_DATA={servers.folder} .venv/bin/python manage.py send push"
    )
    await Rejection.objects.acreate(at=timezone.now(), reason=Reason.WRONG_SECRET, status=403, size=9)
    await expect(page.locator("#refused")).to_contain_text("refused: wrong secret. The secrets of")
    sent = await sync_to_async(manage)("send", "push", "--url", f"{receiver_url}/webhooks/github")
    assert sent.startswith("202 ")
    await expect(page).to_have_url(re.compile(r"/deliveries/\d+$"))
    await expect(page.locator("#story > p .status")).to_have_text("succeeded")
    await expect(page.locator("#story")).to_contain_text("push.record")
    await page.locator("#wrote").get_by_role("link", name="harbour-works/tide-tables").click()
    await expect(page).to_have_url(re.compile(r"/repositories/\d+#pushes$"))
    await expect(page.get_by_role("heading", name="Newest pushes")).to_be_visible()
    await page.get_by_role("link", name=re.compile("^[0-9a-f]{40}$")).first.click()
    await expect(page.get_by_text("Pushes that carried it")).to_be_visible()


async def test_a_dead_delivery_is_found_by_its_error_read_replayed_and_seen_to_succeed(
    screen: Screen, worker: None
) -> None:
    [row] = await dead()
    await sync_to_async(kept)(status=Status.SUCCEEDED)
    page = screen.page
    await page.goto("/deliveries")
    await page.get_by_role("searchbox").fill("no route")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page.locator("[data-row]")).to_have_count(1)
    await page.locator("[data-row] time").click()
    await expect(page).to_have_url(re.compile(rf"/deliveries/{row.pk}$"))
    await page.get_by_text("Traceback", exact=True).click()
    await expect(page.get_by_text("line 3, in record")).to_be_visible()
    await page.get_by_role("button", name="Replay").click()
    await expect(page.get_by_text("1 delivery is processed again.")).to_be_visible()
    await expect(page.locator("#story > p .status")).to_have_text("succeeded")
    await expect(page.locator("#story")).to_contain_text("because of a replay")
    await expect(page.locator("#story")).to_contain_text("Replayed by operator")
    await page.locator("#story").get_by_role("link", name="operation").click()
    await expect(page).to_have_title(re.compile(r"^Replay \d+ · Hookkeeper$"))


async def test_all_that_match_are_replayed_with_progress_cancelled_half_way_and_resumed(
    screen: Screen, worker: None, browser: Browser, console: Console
) -> None:
    await dead(COUNT)
    page = screen.page
    await page.goto("/deliveries?error=no+route")
    await page.get_by_role("link", name="Replay all that match").click()
    await expect(page.get_by_text(f"{COUNT:,} deliveries match.")).to_be_visible()
    await expect(page.get_by_text("None of them has succeeded.")).to_be_visible()
    # So slow that it does not end before it is cancelled.
    await page.get_by_label("At most so many deliveries per second").fill(str(COUNT // 60))
    await page.get_by_role("button", name=f"Replay {COUNT:,} deliveries").click()
    await expect(page).to_have_url(re.compile(r"/operations/\d+$"))

    viewer = await opened(browser, console.url, console.viewer)
    await viewer.page.goto(page.url)
    await expect(viewer.page.locator("#operation")).to_contain_text(re.compile(r"[1-9]\d* done of"))
    await expect(viewer.page.get_by_role("button", name="Cancel")).to_have_count(0)
    await expect(viewer.page.get_by_role("progressbar")).to_have_attribute("max", str(COUNT))
    await viewer.page.goto("/deliveries?error=no+route")
    await expect(viewer.page.get_by_text("Replay all that match")).to_have_count(0)
    await viewer.close()
    assert viewer.complaints == []

    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator("#operation > p .status")).to_have_text("cancelled")
    cancelled = await Operation.objects.aget()
    assert 0 < cancelled.done < COUNT
    await expect(page.get_by_role("heading", name="Its deliveries now")).to_be_visible()
    assert await Delivery.objects.filter(status=Status.DEAD).acount() == COUNT - cancelled.done
    # Nobody needs to wait for the rest at that rate.
    await Operation.objects.aupdate(rate=0)
    await page.get_by_role("button", name="Resume").click()
    status = page.locator("#operation > p .status")
    await expect(status).to_have_text("finished", timeout=1000 * ENDED_WITHIN)
    await expect(page.locator("#operation")).to_contain_text(f"{COUNT:,} done")
    ended = page.get_by_role("link", name=f"{COUNT:,} succeeded")
    await expect(ended).to_be_visible(timeout=1000 * ENDED_WITHIN)
    assert not await Delivery.objects.exclude(status=Status.SUCCEEDED).aexists()
    runs = HandlerRun.objects.filter(trigger=Trigger.REPLAY, outcome=Outcome.SUCCEEDED)
    assert await Replay.objects.filter(operation=cancelled, by="operator").acount() == COUNT
    assert await runs.acount() == await runs.values("delivery").distinct().acount() == COUNT
    await ended.click()
    await expect(page.locator("#count")).to_have_text(f"{COUNT:,} found")
    await page.get_by_role("link", name="Operations").click()
    await expect(page.get_by_role("row", name=re.compile("operator finished"))).to_be_visible()
