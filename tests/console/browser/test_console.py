"""The console in a real browser, with its scripts: no page may log an error or a warning."""

import re
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from axe_playwright_python.base import AXE_SCRIPT
from django.utils import timezone
from playwright.async_api import Browser, expect

from ledger.models import Operation, Replay
from receiver.models import Delivery, HandlerRun, Outcome, Reason, Rejection, RejectionCount, Status, Trigger
from records.models import Commit, Issue, PullRequest, Repository
from tests import servers
from tests.console.browser.conftest import Screen, opened
from tests.console.conftest import Console
from tests.console.kept import kept

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<script>document.title = 'taken over'</script><img src=x onerror=alert(1)>\u202egpj"
PAGES = [
    "/sign-in", "/", "/deliveries?status=dead", "/deliveries?since=never", "/search?q=abcdef1", "/rejections",
    "/unmatched", "/repositories", "REPOSITORY", "REPOSITORY/issues/1", "DEAD", "/doctor", "/recovery",
    "/api/v1/docs", "/operations", "OPERATION", "/operations/replay?status=dead",
]  # fmt: skip
# Each has the template of another one.
ALIKE = ["/deliveries", "REPOSITORY/pulls/2", "REPOSITORY/commits/abcdef1"]

# Colour schemes and widths in which axe reads a page. Pages share their parts: in the suite every other page
# is read in one of them, and of the other only the width is looked at. With --chaos so is that of a large
# screen, whose colours and controls are those of the second.
VIEWS: list[tuple[Literal["light", "dark"], int]] = [("dark", 360), ("light", 1280)]
LARGE_SCREEN = 3840
# The page of the API has a hundred parts of one form, with ids: axe reads the first of each kind, opened.
# It takes seconds to walk through the others, even if they are excluded.
OPEN_THE_FIRST = "document.querySelectorAll(':not(details) + details[id]').forEach((it) => (it.open = true))"
REMOVE_THE_OTHERS = "document.querySelectorAll('details[id] + details[id]').forEach((it) => it.remove())"
# Preload reads the style sheets as the policy of the pages refuses, and no rule that is on needs it.
# Selectors of elements take time, and the failure shows their HTML. The faults of regions are moderate.
AXE = (
    "axe.run({resultTypes: ['violations'], preload: false, selectors: false,"
    " rules: {region: {enabled: false}}})"
)


@sync_to_async
def add(case: str = "push__branch", **changes: Any) -> Delivery:
    return kept(case, **changes)


@sync_to_async
def dead(error: str = "push.announce: OSError: no route to host", **changes: Any) -> Delivery:
    row = kept(status=Status.DEAD, attempts=8, finished_at=timezone.now(), error=error, **changes)
    HandlerRun.objects.create(
        delivery=row, handler="push.announce", attempt=8, trigger=Trigger.RETRY, outcome=Outcome.FAILED,
        started_at=timezone.now(), duration=0.3, error="OSError: no route to host",
        traceback='File "handlers/push.py", line 3, in announce',
    )  # fmt: skip
    return row


@pytest.mark.counts
async def test_no_page_has_a_serious_fault_of_accessibility_or_a_complaint(
    browser: Browser, console: Console
) -> None:
    # The longest that GitHub allows, without a place to break.
    name = "o" * 39 + "/" + "c" * 100
    row = await dead(number=12, repository=name)
    await add("issues__opened", action="opened", status=Status.SUCCEEDED, repository=name, number=1)
    await add("star__created", action="created", status=Status.IGNORED, finished_at=timezone.now())
    await RejectionCount.objects.acreate(reason=Reason.BUSY, day=timezone.now().date(), count=2)
    await Rejection.objects.acreate(at=timezone.now(), reason=Reason.BUSY, status=503, detail="busy", size=1)
    repository = await Repository.objects.acreate(
        server="github.com", github_id=1296269, full_name=name, previous_full_name=f"p{name}"
    )
    await Issue.objects.acreate(repository=repository, number=1, title="It leaks", updated_at=timezone.now())
    await PullRequest.objects.acreate(
        repository=repository, number=2, title="Mend it", updated_at=timezone.now()
    )
    await Commit.objects.acreate(repository=repository, sha="abcdef1", message="Mend it")
    operation = await Operation.objects.acreate(
        kind="replay", state="failed", error="it stopped", failures={"it is gone": 2}, failed=2, estimated=9,
        done=1, parameters={"filter": {"status": "dead"}}, requested_by="ada", created_at=timezone.now(),
    )  # fmt: skip
    await Replay.objects.acreate(delivery=row, operation=operation, by="ada")
    screen = await opened(browser, console.url, console.operator)
    for place, path in enumerate([*PAGES, *ALIKE] if servers.full_counts else PAGES):
        path = path.replace("DEAD", f"/deliveries/{row.pk}")  # noqa: PLW2901
        path = path.replace("OPERATION", f"/operations/{operation.pk}")  # noqa: PLW2901
        path = path.replace("REPOSITORY", f"/repositories/{repository.pk}")  # noqa: PLW2901
        await without_a_serious_fault(screen, path, place)
    await screen.close()
    # The answer to a wrong filter is 400, which the browser logs.
    assert [text for text in screen.complaints if "400 (Bad Request)" not in text] == []


async def without_a_serious_fault(screen: Screen, path: str, place: int) -> None:
    """Open a page, and fail unless axe finds it accessible and it is never wider than the window.

    `place` chooses the view in which axe reads it.
    """
    await screen.page.goto(path)
    await screen.page.evaluate(OPEN_THE_FIRST)
    await screen.page.evaluate(AXE_SCRIPT)
    views, others = VIEWS, [LARGE_SCREEN]
    if not servers.full_counts:
        views, others = [VIEWS[place % 2]], [VIEWS[(place + 1) % 2][1]]
    for width in others:
        await fits(screen, path, width)
    for scheme, width in views:
        await screen.page.emulate_media(color_scheme=scheme)
        await fits(screen, path, width)
        # A colour that fades into another one has neither's contrast.
        await screen.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        await screen.page.evaluate(REMOVE_THE_OTHERS)
        found = (await screen.page.evaluate(AXE))["violations"]
        serious = [fault for fault in found if fault["impact"] in {"serious", "critical"}]
        told = [(fault["id"], [node["html"][:200] for node in fault["nodes"]]) for fault in serious]
        assert told == [], (path, scheme, width)


async def fits(screen: Screen, path: str, width: int) -> None:
    """Give the window this width; fail if the page is wider."""
    await screen.page.set_viewport_size({"width": width, "height": 900})
    overflow = await screen.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{path} is wider than {width} pixels"


@pytest.mark.counts
async def test_no_page_of_the_accounts_has_a_serious_fault_or_a_complaint(
    browser: Browser, console: Console
) -> None:
    screen = await opened(browser, console.url, console.admin)
    users, tokens = "/admin/auth/user/", "/admin/api/token/"
    lists = [(users, "viewer")]
    paths = ["/admin/", users]
    # The forms of Django are those of the others.
    if servers.full_counts:
        lists, paths = [*lists, (tokens, "of the pages")], [*paths, f"{users}add/", tokens]
    for place, path in enumerate(paths):
        await without_a_serious_fault(screen, path, place)
    for place, (path, name) in enumerate(lists):
        await screen.page.goto(path)
        one = await screen.page.get_by_role("link", name=name, exact=True).get_attribute("href")
        await without_a_serious_fault(screen, f"{one}", place)
    await screen.page.goto("/deliveries")
    await fits(screen, "the most links in the head", 1920)
    beside = "document.querySelector('.account').offsetTop < document.querySelector('.search').offsetHeight"
    assert await screen.page.evaluate(beside), "the account stands beside the search"
    await screen.close()
    assert screen.complaints == []


async def test_new_deliveries_are_announced_and_do_not_move_the_rows(screen: Screen) -> None:
    first = await add()
    page = screen.page
    await page.goto("/deliveries")
    # A screen reader speaks what changes in a region that stays, and speaks again what is put there again.
    await page.evaluate("window.region = document.getElementById('news')")
    await add()
    await Delivery.objects.filter(pk=first.pk).aupdate(status=Status.RETRYING)
    await expect(page.get_by_text("1 new delivery: show")).to_be_visible()
    await page.evaluate("window.said = region.firstChild")
    await Delivery.objects.filter(pk=first.pk).aupdate(status=Status.SUCCEEDED)
    await page.evaluate("htmx.trigger('#deliveries', 'wake')")
    await expect(page.locator("[data-row]")).to_have_count(1)
    await expect(page.locator("[data-row] .status")).to_have_text("succeeded")
    assert await page.evaluate("region.isConnected && said.isConnected")
    await page.get_by_text("1 new delivery: show").click()
    await expect(page.locator("[data-row]")).to_have_count(2)


async def test_a_selection_stops_the_refresh_until_it_ends(screen: Screen) -> None:
    row = await add()
    page = screen.page
    await page.goto("/deliveries")
    await page.locator("[data-row] input").check()
    await Delivery.objects.filter(pk=row.pk).aupdate(status=Status.SUCCEEDED)
    # Triggers a refresh as the timer does, and returns whether a request was sent.
    sent = await page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("htmx:afterRequest", () => resolve("sent"));
            htmx.trigger("#deliveries", "wake");
            setTimeout(() => resolve("none"), 500);
        })"""
    )
    assert sent == "none"
    await page.locator("[data-row] input").uncheck()
    await page.evaluate("htmx.trigger('#deliveries', 'wake')")
    await expect(page.locator("[data-row] .status")).to_have_text("succeeded")


async def test_keys_move_open_select_and_help(screen: Screen) -> None:
    older, newer = await add(), await add()
    page = screen.page
    await page.goto("/deliveries")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.locator("tr.current")).to_have_id(f"delivery-{older.pk}")
    await page.keyboard.press("k")
    await page.keyboard.press("x")
    await expect(page.locator(f"#delivery-{newer.pk} input")).to_be_checked()
    await page.keyboard.press("x")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(rf"/deliveries/{newer.pk}$"))
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("replay the selected, or this one")
    await page.get_by_role("button", name="Close").click()
    await page.go_back()
    await expect(page.locator("tr.current")).to_have_id(f"delivery-{newer.pk}")
    await page.keyboard.press("j")
    await page.keyboard.press("r")
    await expect(page.get_by_text("1 delivery is processed again.")).to_be_visible()


async def test_back_and_reload_keep_the_filters(screen: Screen) -> None:
    await dead()
    await add()
    page = screen.page
    await page.goto("/deliveries")
    await page.locator(".status.dead").click()
    await expect(page.locator("[data-row]")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_label("Filters").locator(".chip")).to_have_text(re.compile("status: dead"))
    await page.locator("[data-row] time").click()
    await page.go_back()
    await expect(page.get_by_label("Filters").locator(".chip")).to_have_text(re.compile("status: dead"))
    await page.go_back()
    await expect(page.locator("[data-row]")).to_have_count(2)


async def test_hostile_text_and_25_mb_neither_run_nor_break_the_page(screen: Screen) -> None:
    body = b'{"text": "' + HOSTILE.encode() * 300_000 + b'"}'
    row = await add(body=body[: 25 * 1024 * 1024], repository=HOSTILE, sender=HOSTILE, action=HOSTILE)
    settled = {"finished_at": timezone.now(), "repository": HOSTILE, "sender": HOSTILE}
    await add("star__created", event=HOSTILE[:60], action=HOSTILE, status=Status.IGNORED, **settled)
    await dead(HOSTILE)
    page = screen.page
    for path in ("/", "/unmatched", "/deliveries", f"/deliveries/{row.pk}"):
        await page.goto(path)
        await expect(page).to_have_title(re.compile("Hookkeeper$"))
        assert await page.locator("main script, main img").count() == 0
        assert await page.get_by_title("right-to-left override").count() > 0
    await expect(page.get_by_text("The first 256 KB are shown.")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download the exact bytes").click()
    saved = await (await download.value).path()
    assert saved.stat().st_size == row.size


async def test_a_deep_payload_is_read_in_a_narrow_window(screen: Screen) -> None:
    row = await add(body=b'{"deep": ' + b"[" * 60 + b"]" * 60 + b"}")
    await screen.page.goto(f"/deliveries/{row.pk}")
    await screen.page.evaluate("document.querySelectorAll('details').forEach((it) => (it.open = true))")
    await fits(screen, "a deep payload", 360)
    assert await screen.page.locator(".tree li").last.evaluate("(it) => it.clientWidth") > 100
    await screen.page.set_viewport_size({"width": 1280, "height": 900})


async def test_times_are_switched_between_relative_utc_and_local(screen: Screen) -> None:
    row = await add()
    utc = f"{row.received_at:%Y-%m-%d %H:%M:%S} UTC"
    local = f"{row.received_at.astimezone(timezone.get_fixed_timezone(9 * 60)):%Y-%m-%d %H:%M:%S}+09:00"
    page = screen.page
    await page.goto("/deliveries")
    shown = page.locator("[data-row] time")
    await expect(shown).to_have_text(re.compile(" ago$"))
    await expect(shown).to_have_attribute("title", f"{utc}\n{local}")
    await page.get_by_role("button", name="Times: relative").click()
    await expect(shown).to_have_text(utc)
    # A refresh, another page and a reload keep it.
    await Delivery.objects.filter(pk=row.pk).aupdate(status=Status.SUCCEEDED)
    await page.evaluate("htmx.trigger('#deliveries', 'wake')")
    await expect(page.locator("[data-row] .status")).to_have_text("succeeded")
    await expect(shown).to_have_text(utc)
    await shown.click()
    await expect(page.locator(".facts time")).to_have_text(utc)
    await page.get_by_role("button", name="Times: UTC").click()
    await page.reload()
    await expect(page.locator(".facts time")).to_have_text(local)
    tiles = "[...document.querySelectorAll('.tile')].map((tile) => tile.scrollWidth - tile.clientWidth)"
    await Delivery.objects.filter(pk=row.pk).aupdate(status=Status.RECEIVED)
    await page.set_viewport_size({"width": 360, "height": 900})
    await page.goto("/")
    await expect(page.locator(".tile time")).to_have_text(local)
    assert max(await page.evaluate(tiles)) == 0, "a tile is narrower than the time in it"
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(f"/deliveries/{row.pk}")
    await page.get_by_role("button", name="Times: local").click()
    await expect(page.locator(".facts time")).to_have_text(re.compile(" ago$"))


async def test_on_paper_a_page_is_light_and_whole(screen: Screen) -> None:
    row = await add(status=Status.DEAD, error="OSError: no route", finished_at=timezone.now())
    page = screen.page
    await page.goto(f"/deliveries/{row.pk}")
    await page.emulate_media(color_scheme="dark", media="print")
    try:
        assert (
            await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        assert await page.evaluate("getComputedStyle(document.querySelector('pre')).maxHeight") == "none"
        assert await page.get_by_role("button").count() == 0
    finally:
        await page.emulate_media(color_scheme="light", media="screen")


async def test_the_lines_for_a_shell_are_copied(screen: Screen) -> None:
    row = await add()
    page = screen.page
    await page.goto(f"/deliveries/{row.pk}")
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert (
        await page.evaluate("navigator.clipboard.readText()")
        == f"HOOKKEEPER_DATA={servers.folder} .venv/bin/python manage.py replay --inline {row.guid}"
    )


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser, console: Console) -> AsyncIterator[Screen]:
    found = await opened(browser, console.url)
    yield found
    await found.close()


async def test_signed_out_sees_the_form_and_signing_in_leads_on(stranger: Screen) -> None:
    row = await add()
    page = stranger.page
    await page.goto(f"/deliveries/{row.pk}")
    await expect(page.get_by_label("Password")).to_be_visible()
    await page.get_by_label("Name").fill("viewer")
    await page.get_by_label("Password").fill("long enough for the tests")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile(rf"/deliveries/{row.pk}$"))
    await expect(page.get_by_role("button", name="Replay")).to_have_count(0)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert stranger.complaints == []
