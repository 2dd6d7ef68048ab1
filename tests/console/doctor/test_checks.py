"""What the doctor finds in an installation, and that nothing keeps it from ending."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis

from configuration import data_folder
from console.doctor import Check, Finding, Status, examine, is_in_order, machine, ping, posting, services
from console.doctor.checks import checks
from receiver.models import Delivery, HandlerRun, Reason, RejectionCount
from records.models import Hook
from tests import processes
from tests.console.forwarding.targets import Target, serving
from tests.console.kept import kept
from tests.console.test_commands import run
from tests.servers import SECRET

database_test = pytest.mark.django_db(transaction=True)


def found(look: str, *several: Check) -> Finding:
    """Return the finding of this name."""
    [finding] = [one for one in examine(several or checks()) if one.name == look]
    return finding


def test_a_check_that_breaks_says_where_and_not_what_it_held() -> None:
    def broken() -> Iterator[Finding]:
        yield Finding("one", Status.OK, "seen")
        raise ValueError(f"the secret is {SECRET}")

    findings = list(
        examine([Check("broken", broken), Check("other", lambda: [Finding("two", Status.OK, "")])])
    )
    assert [finding.name for finding in findings] == ["one", "broken", "two"]
    assert findings[1].status is Status.WRONG
    assert "ValueError in broken" in findings[1].seen
    assert SECRET not in findings[1].seen
    assert not is_in_order(findings)


def test_a_check_that_hangs_is_left_and_the_others_are_told() -> None:
    release = threading.Event()

    def hangs() -> Iterator[Finding]:
        yield Finding("begun", Status.OK, "")
        release.wait(60)

    one = Check("hangs", hangs, limit=0.2)
    findings = list(examine([one, Check("other", lambda: [Finding("two", Status.OK, "")])]))
    release.set()
    assert [(finding.name, finding.status) for finding in findings] == [
        ("begun", Status.OK), ("hangs", Status.WRONG), ("two", Status.OK),
    ]  # fmt: skip
    assert "did not end within" in findings[1].seen


@pytest.mark.full("postgresql")
@database_test
def test_of_a_whole_installation_nothing_is_wrong_and_the_ping_leaves_nothing(
    redis: "Redis",
    receiver_url: str,
    database_url: str,
    worker_log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "SETTLED_WITHIN", 60.0)  # seconds; the machine may be busy
    with processes.worker(worker_log, DATABASE_URL=database_url):
        processes.wait_until(lambda: found("workers").status is Status.OK, "the worker is seen")
        told = run("doctor", "--url", f"{receiver_url}/webhooks/github")
    assert f"ok           version: Hookkeeper {settings.VERSION}, Python 3." in told, told
    for name in (
        "database",
        "migrations",
        "redis",
        "workers",
        "queue",
        "secrets",
        "disk",
        "webhook",
        "processing",
    ):
        assert f"ok           {name}: " in told, told
    assert "202 after" in told
    assert SECRET not in told
    assert [Delivery.objects.count(), HandlerRun.objects.count(), Hook.objects.count()] == [0, 0, 0]


@database_test
def test_without_a_worker_the_ping_stays_recognisable_and_a_later_doctor_removes_it(
    redis: "Redis", receiver_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SETTLED_WITHIN", 0.0)
    url = f"{receiver_url}/webhooks/github"
    webhook = Check("webhook", lambda: posting.check_webhook(url))
    assert found("processing", webhook).status is Status.WARNING
    left = Delivery.objects.get()
    assert left.headers["User-Agent"] == ping.AGENT
    assert found("workers").status is Status.WRONG
    foreign = kept("ping__repository", guid=uuid4(), hook_id=0, status="succeeded", received_at=aged())
    disguised = kept("ping__repository", guid=UUID(int=ping.FIRST.int + 1), hook_id=0, status="succeeded",
                     received_at=aged())  # fmt: skip
    assert posting.remove_left_behind() == 0
    Delivery.objects.filter(pk=left.pk).update(status="succeeded", received_at=aged())
    assert posting.remove_left_behind() == 1
    assert set(Delivery.objects.values_list("pk", flat=True)) == {foreign.pk, disguised.pk}


def aged() -> "object":
    return timezone.now() - timedelta(hours=1)


@database_test
def test_a_ping_that_another_installation_took_is_noticed() -> None:
    elsewhere = Target()
    elsewhere.answer(202, b'{"guid": "00000000-0000-0000-0000-000000000000", "status": "accepted"}')
    with serving(elsewhere):
        url = elsewhere.url.replace("/hooks", "/webhooks/github")
        finding = found("processing", Check("webhook", lambda: posting.check_webhook(url)))
    assert finding.status is Status.WRONG
    assert "another installation" in finding.advice


@database_test
def test_migrations_that_are_missing_or_of_a_newer_version_are_named() -> None:
    recorder = MigrationRecorder(connection)
    last = MigrationRecorder.Migration.objects.filter(app="records").order_by("-name")[0].name
    database = Check("database", services.check_database)
    try:
        recorder.record_unapplied("records", last)
        missing = found("migrations", database)
        recorder.record_applied("records", last)
        recorder.record_applied("records", "9999_of_tomorrow")
        newer = found("migrations", database)
    finally:
        recorder.record_unapplied("records", "9999_of_tomorrow")
        recorder.record_applied("records", last)
    assert (missing.status, last in missing.seen) == (Status.WRONG, True)
    assert (newer.status, "9999_of_tomorrow" in newer.seen) == (Status.WARNING, True)
    assert found("migrations", database).status is Status.OK


@database_test
def test_a_delivery_that_is_due_for_long_is_a_warning(redis: "Redis") -> None:
    kept(next_attempt_at=aged())
    finding = found("queue", Check("workers", services.check_workers))
    assert finding.status is Status.WARNING
    assert "60 min" in finding.seen


@database_test
def test_deliveries_that_were_set_dead_by_hand_are_a_warning() -> None:
    kept(status="dead", finished_at=None)
    workers = Check("workers", services.check_workers)
    finding = found("statuses", workers)
    assert (finding.status, finding.seen) == (Status.WARNING, "settled deliveries without finished_at: 1")
    Delivery.objects.update(finished_at=aged())
    assert found("statuses", workers).status is Status.OK


@database_test
def test_secrets_are_counted_and_short_or_quoted_ones_and_wrong_signatures_are_warnings(
    settings: Settings,
) -> None:
    secrets = Check("secrets", machine.check_secrets)
    settings.WEBHOOK_SECRETS = {"": (b"x" * 32, b"y" * 32), "acme": (b"short!",)}
    RejectionCount.objects.create(reason=Reason.WRONG_SECRET, day=timezone.now().date(), count=3)
    short = found("secrets", secrets)
    assert short.status is Status.WARNING
    assert "default: 2" in short.seen
    assert "bytes: acme" in short.seen
    assert found("signatures", secrets).status is Status.WARNING
    settings.WEBHOOK_SECRETS = {"": (b"x" * 32,), "acme": (b"'" + b"x" * 32 + b"'",)}
    assert "a part of the secret: acme" in found("secrets", secrets).seen
    settings.WEBHOOK_SECRETS = {}
    assert found("secrets", secrets).status is Status.WRONG


@database_test
def test_the_key_that_make_run_generated_is_the_consoles(settings: Settings, tmp_path: Path) -> None:
    secrets = Check("secrets", machine.check_secrets)
    settings.WEBHOOK_SECRETS, settings.DATA = {"": (b"x" * 32,)}, tmp_path
    assert found("console key", secrets).status is Status.SKIPPED
    data_folder.secret(tmp_path, data_folder.KEY_FILE)
    assert found("console key", secrets).status is Status.OK


def test_a_clock_that_is_off_is_a_warning_unless_the_answer_was_slow() -> None:
    assert machine.judged_clock("redis", 0.4, 0.01).status is Status.OK
    assert machine.judged_clock("redis", 8.0, 4.0).status is Status.OK
    ahead = machine.judged_clock("redis", -3600.0, 0.01)
    assert (ahead.status, ahead.seen) == (Status.WARNING, "this machine is 60 min ahead of it")


def test_a_disk_that_is_nearly_full_is_a_warning_and_a_full_one_is_wrong() -> None:
    assert machine.judged_disk("data", 10**12, 10**11).status is Status.OK
    assert machine.judged_disk("data", 3 * 10**9, 10**9).status is Status.OK
    assert machine.judged_disk("data", 10**12, 10**9).status is Status.WARNING
    assert machine.judged_disk("data", 10**12, 10**8).status is Status.WRONG


@pytest.mark.once
def test_with_everything_away_it_ends_with_1_and_no_traceback(tmp_path: Path) -> None:
    findings = away(f"sqlite:///{tmp_path}/none.sqlite3", tmp_path)
    assert "none.sqlite3 does not exist" in findings["database"]["seen"]
    assert not (tmp_path / "none.sqlite3").exists()


@pytest.mark.usefixtures("redis")
def test_what_redis_refuses_has_another_advice_than_a_redis_that_is_away(settings: Settings) -> None:
    redis = Redis.from_url(settings.REDIS_URL)
    redis.config_set("maxmemory", 1)
    try:
        finding = found("redis", Check("redis", services.check_redis))
    finally:
        redis.config_set("maxmemory", 0)
        redis.close()
    assert finding.status is Status.WRONG
    assert finding.advice.startswith("Redis is full")


def away(database_url: str, tmp_path: Path) -> dict[str, dict[str, str]]:
    """Run the doctor where nothing answers; return its findings by name."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", "--url", f"http://127.0.0.1:{processes.free_port()}/"],
        cwd=processes.ROOT, capture_output=True, text=True, timeout=110, check=False,
        env=processes.environment(DATABASE_URL=database_url, REDIS_URL=f"unix://{tmp_path / 'none.sock'}"),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    findings = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    wrong = {name for name, one in findings.items() if one["status"] == "wrong"}
    assert wrong == {"database", "redis", "webhook"}
    assert "nothing listens" in findings["webhook"]["seen"]
    assert SECRET not in done.stdout
    return findings
