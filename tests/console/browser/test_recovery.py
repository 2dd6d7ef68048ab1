"""Recovery in a real browser, with a real worker, a real receiver and a GitHub on loopback."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from playwright.async_api import expect

from receiver.models import Delivery, Status
from tests import fake_github, processes
from tests.console.browser.conftest import Screen
from tests.console.conftest import Console
from tests.fake_github import Attempt, Github, hooks
from tests.upstream.kept import STAR, keep

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Milliseconds: a worker asks for two deliveries per second.
RECOVERED_WITHIN = 60_000


@pytest_asyncio.fixture(loop_scope="session")
async def worker(
    console: Console, accounts: str, fake: Github, redis: object, tmp_path: Path
) -> AsyncIterator[None]:
    """A worker that asks the fake GitHub, and only when an operator wants it."""
    changes = {"GITHUB_TOKEN": fake_github.TOKEN, "GITHUB_API_URL": fake.url, "RECOVER_EVERY": "0"}
    running = processes.worker(tmp_path / "worker.log", DATABASE_URL=accounts, **changes)
    await sync_to_async(running.__enter__)()
    yield
    await sync_to_async(running.__exit__)(None, None, None)


async def test_an_operator_looks_for_what_was_missed_and_sees_it_arrive(
    screen: Screen, worker: None, fake: Github, receiver_url: str
) -> None:
    hook = fake.hook(url=f"{receiver_url}/webhooks/github")
    then = fake.moment() - timedelta(hours=1)
    hook.attempts = [
        Attempt(hooks.guid(one), "star", STAR, then + timedelta(seconds=one)) for one in range(6)
    ]
    await sync_to_async(keep)(hook, hook.attempts[::2])
    page = screen.page
    await page.goto("/")
    await page.get_by_role("link", name="Recovery").click()
    await expect(page.get_by_text("No hook is known yet")).to_be_visible()
    await page.get_by_role("button", name="Look at all hooks now").click()
    await expect(page).to_have_title(re.compile(r"^Recover \d+ · Hookkeeper$"))
    status = page.locator("#operation > p .status")
    await expect(status).to_have_text("finished", timeout=RECOVERED_WITHIN)
    await expect(page.locator("#operation")).to_contain_text("3 done of 3")

    await page.get_by_role("link", name="Recovery", exact=True).click()
    row = page.get_by_role("region", name="Hooks").get_by_role("row", name=str(hook.id))
    await expect(row.locator(".number")).to_have_text(["3", "0", "3", "0"])
    await row.get_by_role("link", name=str(hook.id)).click()
    await expect(page.locator("[data-row]")).to_have_count(6)
    await page.goto("/recovery")
    await row.get_by_role("button", name="Look at hook").click()
    await expect(status).to_have_text("finished", timeout=RECOVERED_WITHIN)
    await expect(page.locator(".facts")).to_contain_text(f"{hook.id} of repository octo/cat")
    assert fake.asked == {hooks.guid(one): 1 for one in (1, 3, 5)}
    assert await Delivery.objects.filter(status=Status.SUCCEEDED).acount() == 6
