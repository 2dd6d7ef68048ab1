"""Parts that refresh keep what the reader is at, and a page says when it is no longer refreshed."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from playwright.async_api import Browser, Page, expect

from ledger.models import Kind, Operation, State
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger
from tests.console.browser.conftest import Screen, opened
from tests.console.conftest import Console
from tests.console.kept import kept

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Refreshes a part as its timer does, does something while the request is under way, and waits for its end.
REFRESH = """([part, selector]) => new Promise((resolve) => {
    document.addEventListener("htmx:afterRequest", () => setTimeout(resolve, 100), {once: true});
    htmx.trigger(part, "wake");
    document.querySelector(selector)?.click();
})"""


async def refresh(page: Page, part: str, click: str = "no-element") -> None:
    await page.evaluate(REFRESH, [part, click])


@sync_to_async
def retrying() -> Delivery:
    row = kept(status=Status.RETRYING, attempts=1, next_attempt_at=timezone.now() + timedelta(hours=1))
    HandlerRun.objects.create(
        delivery=row, handler="push.announce", attempt=1, trigger=Trigger.DELIVERY, outcome=Outcome.FAILED,
        started_at=timezone.now(), duration=0.3, error="OSError: no route", traceback="line 3, in announce",
    )  # fmt: skip
    return row


async def test_a_refresh_keeps_the_focus_and_an_open_traceback(screen: Screen) -> None:
    row = await retrying()
    page = screen.page
    await page.goto(f"/deliveries/{row.pk}")
    await page.get_by_text("Traceback", exact=True).click()
    await Delivery.objects.filter(pk=row.pk).aupdate(attempts=2)
    await refresh(page, "#story")
    await expect(page.locator("#story")).to_contain_text("Attempt 3")
    await expect(page.get_by_text("line 3, in announce")).to_be_visible()
    await expect(page.locator(":focus")).to_have_text("Traceback")

    await page.goto("/deliveries")
    await page.get_by_role("link", name="ada", exact=True).focus()
    await Delivery.objects.filter(pk=row.pk).aupdate(status=Status.RECEIVED)
    await refresh(page, "#deliveries")
    await expect(page.locator("[data-row] .status")).to_have_text("received")
    await expect(page.locator(":focus")).to_have_text("ada")


async def test_an_answer_that_comes_after_a_row_was_selected_changes_nothing(screen: Screen) -> None:
    await retrying()
    page = screen.page
    await page.goto("/deliveries")
    await refresh(page, "#deliveries", click="[data-row] input")
    await expect(page.locator("[data-row] input")).to_be_checked()


async def test_the_count_of_a_list_changes_with_its_rows(screen: Screen) -> None:
    await retrying()
    page = screen.page
    await page.goto("/deliveries?event=push")
    await expect(page.locator(".count")).to_have_text("1 found")
    await retrying()
    await refresh(page, "#deliveries")
    await expect(page.locator(".count")).to_have_text("2 found")


async def test_a_long_list_has_its_buttons_in_view(screen: Screen) -> None:
    for _ in range(30):
        await retrying()
    page = screen.page
    await page.goto("/deliveries?event=push")
    await expect(page.locator("[data-row]").last).not_to_be_in_viewport()
    await expect(page.get_by_role("link", name="Replay all that match")).to_be_in_viewport(ratio=1)
    await page.get_by_role("link", name="push").nth(9).focus()
    for _ in range(25):
        await page.keyboard.press("j")
    await expect(page.locator(".current .status")).to_be_in_viewport(ratio=1)
    bar = await page.locator(".paging").bounding_box()
    row = await page.locator("[data-row].current").bounding_box()
    assert bar is not None
    assert row is not None
    assert row["y"] + row["height"] <= bar["y"]


async def test_the_list_of_operations_follows_their_progress(screen: Screen) -> None:
    running = await Operation.objects.acreate(
        kind=Kind.REPLAY,
        requested_by="ada",
        state=State.RUNNING,
        done=3,
        parameters={},
        created_at=timezone.now(),
    )
    page = screen.page
    await page.goto("/operations")
    await Operation.objects.filter(pk=running.pk).aupdate(done=1_234, state=State.FINISHED)
    await refresh(page, "#operations")
    await expect(page.locator("#operations tbody")).to_contain_text("finished 1,234")


async def test_the_page_of_a_replay_follows_its_deliveries_until_they_are_settled(screen: Screen) -> None:
    row = await retrying()
    await Delivery.objects.filter(pk=row.pk).aupdate(number=12)
    done = await Operation.objects.acreate(
        kind=Kind.REPLAY, requested_by="ada", state=State.FINISHED, done=1, parameters={"ids": [row.pk]},
        created_at=timezone.now(),
    )  # fmt: skip
    page = screen.page
    await page.goto(f"/operations/{done.pk}")
    replayed = page.locator("#operation li").filter(has_text="#12")
    await expect(replayed).to_contain_text("retrying")
    await Delivery.objects.filter(pk=row.pk).aupdate(status=Status.SUCCEEDED)
    await expect(replayed).to_contain_text("succeeded")
    await expect(page.locator("#operation[data-refresh]")).to_have_count(0)


async def test_a_page_says_that_it_could_not_be_refreshed_and_its_times_go_on(
    browser: Browser, console: Console
) -> None:
    await retrying()
    screen = await opened(browser, console.url, console.viewer)
    page = screen.page
    await page.goto("/deliveries")
    note, time = page.get_by_role("alert"), page.locator("[data-row] time")
    shown = await time.inner_text()
    await page.context.set_offline(True)
    await refresh(page, "#deliveries")
    await expect(note).to_contain_text("This page could not be refreshed.")
    await expect(time).not_to_have_text(shown)
    await page.context.set_offline(False)
    await refresh(page, "#deliveries")
    await expect(note).to_be_hidden()
    await screen.close()


async def test_a_double_click_sends_a_form_once(screen: Screen) -> None:
    row = await retrying()
    await screen.page.goto(f"/deliveries/{row.pk}")
    refused = await screen.page.evaluate(
        """() => {
            const form = document.querySelector("[action='/deliveries/replay']"), refused = [];
            window.addEventListener("submit", (event) => {
                refused.push(event.defaultPrevented);
                event.preventDefault();
            });
            form.requestSubmit();
            form.requestSubmit();
            return refused;
        }"""
    )
    assert refused == [False, True]
