"""A real browser: Debian's chromium, driven by Playwright."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.console.conftest import Console
from tests.console.visitors import SESSION_COOKIE, Visitor

# Milliseconds, on a slow machine; the list refreshes every 5 s.
WITHIN = 60_000
expect.set_options(timeout=WITHIN)
# Neither UTC nor this machine's, so that local times are seen to be the browser's.
TIME_ZONE = "Asia/Tokyo"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: apt-get install chromium, or set CHROMIUM")
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        await found.close()


class Screen:
    """A window that records errors and warnings of its page, such as violations of its policy."""

    def __init__(self, page: Page) -> None:
        page.set_default_timeout(WITHIN)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page = page
        self.complaints: list[str] = []

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    async def close(self) -> None:
        await self.page.context.close()


async def opened(
    browser: Browser, url: str, visitor: Visitor | None = None, scheme: str = "light", width: int = 1280
) -> Screen:
    """Open a window with the session of this visitor."""
    context = await browser.new_context(
        base_url=url,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 900},
        locale="en-GB",
        timezone_id=TIME_ZONE,
        permissions=["clipboard-read", "clipboard-write"],
    )
    if visitor:
        session = visitor.cookie(SESSION_COOKIE)
        await context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": url}])
    return Screen(await context.new_page())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def operators_window(browser: Browser, running_console: Console) -> AsyncIterator[Screen]:
    """Yield a window of an operator for all tests: each new one takes half a second of CPU."""
    found = await opened(browser, running_console.url, running_console.operator)
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(operators_window: Screen, console: Console) -> AsyncIterator[Screen]:
    """Yield a window of an operator; fail the test if the page logged an error or a warning."""
    yield operators_window
    await operators_window.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    await operators_window.page.goto("about:blank")
    complaints, operators_window.complaints = operators_window.complaints, []
    assert complaints == []
