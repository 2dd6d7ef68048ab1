"""The documentation as a site: all pages are found in it, without a server or a network.

`make check` builds it, and `make test` does not: its packages have 16,000 files to install.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import async_playwright, expect

from tests.processes import ROOT

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
DOCS = ROOT / "docs"
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def listed(part: Any) -> Iterator[str]:
    """Yield the pages of a part of the navigation."""
    if isinstance(part, str):
        yield part
    else:
        for each in part.values() if isinstance(part, dict) else part:
            yield from listed(each)


def test_the_navigation_has_every_page_but_single_decisions() -> None:
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert set(listed(CONFIG["nav"])) == {page for page in pages if not page.startswith("decisions/0")}


@pytest.mark.full
def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    text = "".join(page.read_text() for page in site.rglob("*.html"))
    loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=\"([^\"]+)|<link\b[^>]*\bhref=\"([^\"]+)", text)
    assert len(loaded) > 100
    assert {url for urls in loaded for url in urls if "//" in url} == set()


@pytest.mark.full
def test_the_index_of_the_search_is_a_script_that_knows_the_settings(site: Path) -> None:
    # A page that is opened as a file may load scripts, and no data.
    index = json.loads((site / "search" / "search_index.js").read_text().removeprefix("var __index = "))
    found = {place["location"].partition("#")[0] for place in index["docs"] if "KEEP_BODIES" in place["text"]}
    assert "reference/settings.html" in found


@pytest.mark.full
async def test_a_search_finds_a_setting_in_pages_that_are_opened_as_files(site: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(offline=True)
        await page.goto((site / "index.html").as_uri())
        # The index is loaded once the search is entered.
        await page.get_by_role("textbox", name="Search").click()
        ready = expect(page.locator(".md-search-result__meta"))
        await ready.to_have_text("Type to start searching", timeout=30_000)
        await page.keyboard.type("KEEP_BODIES")
        found = page.locator(".md-search-result__link[href*='reference/settings.html']").first
        await expect(found).to_be_visible(timeout=30_000)
        await browser.close()
