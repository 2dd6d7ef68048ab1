"""`/metrics`, as Prometheus reads it."""

import re
import shutil
import subprocess
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Sum
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from receiver.models import Reason, RejectionCount
from telemetry.counts import RECEIVED, SETTLED
from telemetry.models import Count
from tests import github, processes
from tests.console.conftest import Console, manage
from tests.console.kept import kept
from upstream.models import WatchedHook

pytestmark = pytest.mark.usefixtures("redis")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and label values."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def counted(name: str) -> int:
    """Return what the table has of a counter."""
    total: int | None = Count.objects.filter(name=name).aggregate(total=Sum("value"))["total"]
    return total or 0


@pytest.mark.full("sqlite")
def test_counters_of_receivers_and_workers_reach_it(
    console: Console, database_url: str, tmp_path: Path, worker_log: Path
) -> None:
    push, strange = github.sample("push__branch"), github.request("made_up", {"zen": "x"})
    # Workers of other tests have ended and written theirs; a receiver that other tests use may add its own.
    Count.objects.all().delete()
    with processes.receiver(tmp_path / "receiver.log", DATABASE_URL=database_url) as url:
        for sent in (push, push, strange):
            request = urllib.request.Request(f"{url}/webhooks/github", sent.body, sent.headers)
            with urllib.request.urlopen(request):
                pass
        processes.wait_until(lambda: counted(RECEIVED) >= 3, "the receiver has written its counts")
    with processes.worker(worker_log, DATABASE_URL=database_url):
        processes.wait_until(lambda: counted(SETTLED) == 2, "the worker has written its counts")
    found = samples(console.stranger().get("/metrics").text)
    assert found["hookkeeper_deliveries_total", "push", "accepted"] >= 1
    assert found["hookkeeper_deliveries_total", "push", "duplicate"] >= 1
    assert found["hookkeeper_deliveries_total", "other", "accepted"] >= 1
    assert found["hookkeeper_settled_total", "push", "succeeded"] == 1
    assert found["hookkeeper_settled_total", "other", "ignored"] == 1
    assert found[("hookkeeper_ingest_seconds_count",)] >= 3
    assert 0 < found[("hookkeeper_ingest_seconds_sum",)] < 600
    assert found[("hookkeeper_queue_seconds_count",)] == 2
    assert found["hookkeeper_handler_seconds_count", "push.record", "succeeded"] == 1
    assert found["hookkeeper_handler_seconds_bucket", "push.record", "+Inf", "succeeded"] == 1
    assert found[("hookkeeper_workers",)] == 0


def test_gauges_show_the_state_of_the_ledger(console: Console) -> None:
    kept(status="dead", finished_at=timezone.now())
    kept(received_at="2026-01-01T00:00Z", next_attempt_at="2026-01-01T00:00Z")
    for hook, error in enumerate(("", "GitHub does not accept the credential")):
        WatchedHook.objects.create(hook_id=hook, kind="repository", error=error)
    found = samples(console.stranger().get("/metrics").text)
    assert found["hookkeeper_deliveries", "dead"] == 1
    assert found["hookkeeper_deliveries", "received"] == 1
    assert found["hookkeeper_deliveries", "processing"] == 0
    assert found[("hookkeeper_oldest_waiting_seconds",)] > 1_000_000
    assert found["hookkeeper_missed", "lost"] == 0
    assert found[("hookkeeper_failing_hooks",)] == 1
    assert found["hookkeeper_operations", "replay", "running"] == 0


def test_what_waits_for_its_retry_or_was_just_replayed_is_no_backlog(console: Console) -> None:
    now = timezone.now()
    kept(status="retrying", received_at="2026-01-01T00:00Z", next_attempt_at=now + timedelta(hours=1))
    kept(received_at="2026-01-01T00:00Z", next_attempt_at=None)  # behind another one of its ordering key
    assert samples(console.stranger().get("/metrics").text)[("hookkeeper_oldest_waiting_seconds",)] == 0
    kept(received_at="2026-01-01T00:00Z", next_attempt_at=now - timedelta(minutes=10), trigger="replay")
    waited = samples(console.stranger().get("/metrics").text)[("hookkeeper_oldest_waiting_seconds",)]
    assert 600 <= waited < 10_000


def test_a_series_with_an_alert_on_its_increase_begins_at_zero(console: Console) -> None:
    Count.objects.filter(name=SETTLED).delete()
    RejectionCount.objects.all().delete()
    # Receivers of other tests may count later, so a series may have more than 0.
    found = samples(console.stranger().get("/metrics").text)
    assert {
        reason for reason in Reason.values if ("hookkeeper_rejections_total", reason) not in found
    } == set()
    assert found["hookkeeper_settled_total", "push", "dead"] >= 0
    assert found["hookkeeper_settled_total", "other", "dead"] >= 0


@pytest.mark.once
def test_from_elsewhere_it_takes_a_token(console: Console, accounts: str) -> None:
    [token] = manage("token", "create", "prometheus", "--scope", "read", DATABASE_URL=accounts).splitlines()
    stranger, elsewhere = console.stranger(), "203.0.113.7"
    assert stranger.get("/metrics", X_Forwarded_For=elsewhere).status == 401
    wrong = stranger.get("/metrics", X_Forwarded_For=elsewhere, Authorization=f"Bearer {token[:-1]}")
    assert wrong.status == 401
    right = stranger.get("/metrics", X_Forwarded_For=elsewhere, Authorization=f"Bearer {token}")
    # https://www.rfc-editor.org/rfc/rfc9110#section-11.1
    lower = stranger.get("/metrics", X_Forwarded_For=elsewhere, Authorization=f"bearer {token}")
    other = stranger.get("/metrics", X_Forwarded_For=elsewhere, Authorization=f"Digest Bearer {token}")
    assert (lower.status, other.status) == (200, 401)
    assert (right.status, "hookkeeper_workers" in right.text) == (200, True)


def test_it_takes_no_other_method(console: Console) -> None:
    assert console.stranger().post("/metrics", csrf=False).status == 405


def test_promtool_accepts_it(console: Console) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool, of Debian's package prometheus")
    text = console.stranger().get("/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_is_documented(console: Console) -> None:
    text = console.stranger().get("/metrics").text
    page = (processes.ROOT / "docs" / "reference" / "metrics.md").read_text()
    names = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    assert len(names) == 12
    assert {name for name in names if f"`{name}`" not in page} == set()
    labels = set(re.findall(r'(\w+)="', text)) - {"le"}
    assert {label for label in labels if f"`{label}`" not in page} == set()
