"""The doctor's page: the findings of `manage.py doctor`, for operators."""

import asyncio
from collections.abc import Sequence
from threading import Lock

from django.http import HttpRequest, HttpResponse
from django.views import View

from console.accounts.roles import require_operator
from console.doctor import Finding, Status, examine, is_in_order
from console.doctor.checks import checks
from console.forwarding.target import is_harmless
from console.pages import page

# One at a time in a process: threads of checks that hang would add up, and so would pings of 24 MB.
_examining = Lock()
BUSY = Finding("doctor", Status.SKIPPED, "another check is under way", "Reload the page after it.")
LONGEST_URL = 2_000  # characters
# The look of a status: the class that marks deliveries alike.
MARKS = {Status.OK: "succeeded", Status.WARNING: "retrying", Status.WRONG: "dead", Status.SKIPPED: ""}


class DoctorView(View):
    """Checks the installation as the process of the console sees it."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show the findings of all checks but the ping."""
        return await self._examined(request, "")

    async def post(self, request: HttpRequest) -> HttpResponse:
        """Post a ping to the URL of the form, too."""
        return await self._examined(request, request.POST.get("url", "")[:LONGEST_URL].strip())

    async def _examined(self, request: HttpRequest, url: str) -> HttpResponse:
        await require_operator(request)
        found = await asyncio.to_thread(_examine, url)
        context = {
            "findings": [(finding, MARKS[finding.status]) for finding in found],
            "headline": headline(found),
            "in_order": is_in_order(found),
            "url": url,
        }
        return await page(request, "doctor.html", context)


def headline(found: Sequence[Finding]) -> str:
    """Return what the findings say together."""
    for status, said in ((Status.WRONG, "Wrong"), (Status.WARNING, "Nothing is wrong, but look at")):
        if names := [finding.name for finding in found if finding.status is status]:
            return f"{said}: {', '.join(names)}."
    return "" if BUSY in found else "Nothing is wrong."


def _examine(url: str) -> list[Finding]:
    if not _examining.acquire(blocking=False):
        return [BUSY]
    try:
        return list(examine(checks(url, url, is_harmless)))
    finally:
        _examining.release()
