"""Take the pictures of the README and the docs from a real run, for `make screenshots`.

A run of `make run` in an empty folder gets samples, and its console is opened by the link that it prints.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.processes import ROOT, environment, free_port, running, wait_until

FOLDER = ROOT / "docs" / "images"
SAMPLES = (
    "ping__repository", "push", "issues__opened", "issue_comment__created", "pull_request__opened",
    "pull_request_review__submitted", "check_run__completed", "workflow_run__completed",
    "pull_request__closed_merged", "star__created", "release__published", "push__branch_created",
)  # fmt: skip
LINK = re.compile(r"console +(http://\S+)")


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder) / "log", str(free_port())
        own = {"HOOKKEEPER_DATA": f"{folder}/var", "PORT": port, "CONSOLE_PORT": str(free_port())}
        with running(f"{sys.executable} -m dev", log, **own) as process:

            def ready() -> bool:
                assert process.poll() is None, log.read_text()
                text = log.read_text()
                return "worker started version=" in text and text.count("Uvicorn running") == 2

            wait_until(ready, "all processes are up")
            for sample in SAMPLES:
                subprocess.run(
                    [sys.executable, "manage.py", "send", sample],
                    cwd=ROOT,
                    env=environment(**own),
                    check=True,
                )
            [link] = LINK.findall(log.read_text())
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                _pictures(page, link)
                browser.close()


def _pictures(page: Page, link: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    page.goto(link)
    page.screenshot(path=FOLDER / "overview.png")
    page.get_by_role("link", name="Deliveries").click()
    page.wait_for_selector("[data-row]")
    page.screenshot(path=FOLDER / "deliveries.png")
    page.locator("[data-row]", has_text="pull_request.closed").locator("time").click()
    page.wait_for_selector(".story")
    page.screenshot(path=FOLDER / "delivery.png")


if __name__ == "__main__":
    main()
