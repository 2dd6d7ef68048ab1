"""The overview, the first run, rejections and unmatched events."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.utils import timezone

from console import overview as overview_page
from console.advice import ADVICE
from ledger import overview
from receiver.models import Delivery, Reason, Rejection, RejectionCount, Status
from tests import servers
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import words

COPIED = (
    "hook_id",
    "event",
    "received_at",
    "finished_at",
    "status",
    "headers",
    "content_type",
    "body",
    "size",
)


def test_while_nothing_has_come_the_first_page_says_how_to_begin(console: Console) -> None:
    secret = servers.folder / "webhook-secret"
    page = words(console.viewer.get("/").text)
    assert "Nothing has come yet" in page
    assert "/webhooks/github" in page
    assert "manage.py send push" in page
    assert "what GITHUB_WEBHOOK_SECRET holds" in page
    assert "was refused" not in page
    secret.write_text("not shown")
    try:
        page = words(console.viewer.get("/").text)
    finally:
        secret.unlink()
    assert f"the content of {secret}" in page
    assert "not shown" not in page


def test_the_first_run_turns_into_the_first_delivery(console: Console) -> None:
    assert console.viewer.get("/?first=1", HX_Request="true").headers["HX-Redirect"] is None
    row = kept()
    assert (
        console.viewer.get("/?first=1", HX_Request="true").headers["HX-Redirect"] == f"/deliveries/{row.pk}"
    )


def test_the_overview_shows_rates_queue_and_why_deliveries_died(console: Console) -> None:
    now = timezone.now()
    for number in range(3):
        kept(
            status=Status.DEAD, error=f"push.announce: OSError: no route to 10.0.0.{number}", finished_at=now
        )
    kept("star__created", action="created", status=Status.IGNORED, finished_at=now)
    RejectionCount.objects.create(reason=Reason.WRONG_SECRET, day=now.date(), count=4)
    heard = [now - timedelta(hours=ago) for ago in range(50, 61)]
    for at in heard:
        kept(hook_id=99, received_at=at, finished_at=at, status=Status.SUCCEEDED, repository="octo/quiet")
    kept(status=Status.RETRYING, attempts=1, next_attempt_at=now + timedelta(minutes=5), error="timed out")
    page = console.viewer.get("/")
    text = words(page.text)
    assert page.text.count("<svg") == 3
    assert "Received per minute 5 since" in text
    assert "Waiting 1 1 retrying , the oldest came 0 s ago" in text
    assert '<a href="/deliveries?status=retrying">1 retrying</a>' in page.text
    assert "Dead 3 until they are replayed" in text
    assert "in 5 min 2 push octo/cat timed out" in text
    assert "Refused in 7 days 4" in text
    assert '<a href="/rejections?reason=wrong%20secret">wrong secret</a>' in page.text
    assert '<a href="/deliveries?status=ignored&amp;since=7d&amp;event=star">star</a>' in page.text
    assert "99 octo/quiet 2 days ago 60 min" in text
    [link] = re.findall(r'<a href="(/deliveries\?status=dead[^"]+)">', page.text)
    found = console.viewer.get(unescape(link)).text
    assert found.count("data-row=") == 3


def test_the_reason_of_pruned_deliveries_leads_to_them(console: Console) -> None:
    kept(status=Status.DEAD, only_key=True, body=None, finished_at=timezone.now())
    [link] = re.findall(r'<a href="([^"]+)">\(pruned\)</a>', console.viewer.get("/").text)
    assert console.viewer.get(unescape(link)).text.count("data-row=") == 1


def test_the_overview_says_that_more_were_ignored_than_it_counts(console: Console) -> None:
    one = kept("star__created", status=Status.IGNORED, finished_at=timezone.now())
    columns = {name: getattr(one, name) for name in COPIED}
    more = (Delivery(guid=uuid4(), **columns) for _ in range(overview.MAX_IGNORED))
    Delivery.objects.bulk_create(more)
    assert "1,000 star Of the newest 1,000. What to write" in words(console.viewer.get("/").text)


@pytest.mark.django_db
def test_while_redis_is_away_a_worker_is_unknown_and_not_gone() -> None:
    kept(
        status=Status.PROCESSING, worker="web-1:4711", lease_expires_at=timezone.now() + timedelta(minutes=1)
    )
    found = overview.read(timezone.now())
    for error, state in (("", "gone"), ("Redis does not answer.", "unknown")):
        [worker] = overview_page.context(found, [], error)["workers"]
        assert (worker.name, worker.state, worker.at_work) == ("web-1:4711", state, 1)


def test_the_overview_refreshes_in_place(console: Console) -> None:
    kept()
    part = console.viewer.get("/", HX_Request="true").text
    assert part.startswith('<div id="overview"')
    assert "<html" not in part


def test_rejections_are_counted_with_what_to_do(console: Console) -> None:
    assert "Nothing was refused" in console.viewer.get("/rejections").text
    today = timezone.now().date()
    RejectionCount.objects.create(reason=Reason.WRONG_SECRET, day=today, count=4)
    RejectionCount.objects.create(reason=Reason.WRONG_SECRET, day=today - timedelta(days=1), count=3)
    RejectionCount.objects.create(reason=Reason.METHOD, day=today - timedelta(days=7), count=9)
    Rejection.objects.create(
        at=timezone.now(), reason=Reason.WRONG_SECRET, status=403, detail="the signature is wrong",
        address="192.0.2.1", event="<b>\u202epush", size=12,
    )  # fmt: skip
    page = console.viewer.get("/rejections").text
    assert f"wrong secret 7 {ADVICE[Reason.WRONG_SECRET]}" in words(page)
    assert "method" not in words(page)
    assert "192.0.2.1" in page
    assert "<b>" not in page
    assert "\u202e" not in page


def test_every_reason_has_an_advice() -> None:
    assert set(ADVICE) == set(Reason.values)


def test_unmatched_events_lead_to_an_example_and_to_what_to_write(console: Console) -> None:
    assert "had a handler" in console.viewer.get("/unmatched").text
    row = kept("star__created", action="created", status=Status.IGNORED, finished_at=timezone.now())
    page = console.viewer.get("/unmatched").text
    assert "star . created 1" in words(page).replace("star.created", "star . created")
    assert f'href="/deliveries/{row.pk}"' in page
    # The list behind the number has as many.
    assert 'href="/deliveries?status=ignored&amp;since=7d&amp;event=star&amp;action=created"' in page
    assert "tests/payloads/star__created.json" in words(page)
