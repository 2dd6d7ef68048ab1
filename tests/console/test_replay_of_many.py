"""A replay of many: stopped, killed and resumed, at a rate, and never the same delivery twice in one run."""

import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.utils import timezone
from redis import Redis

from ledger import operations, replays
from ledger.models import Operation
from ledger.selection import Selection
from receiver.models import Delivery
from tests import processes
from tests.console.test_commands import run
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)


def dead(count: int) -> None:
    """Store this many dead deliveries."""
    one = stored(status="dead", finished_at="2026-05-01T12:00Z")
    fields = [field.attname for field in Delivery._meta.concrete_fields if not field.primary_key]
    rows = []
    for number in range(1, count):
        row = Delivery(**{name: getattr(one, name) for name in fields})
        row.hook_id = number + 1
        rows.append(row)
    Delivery.objects.bulk_create(rows)


def replay_of_dead(
    log: Path, database_url: str, *arguments: str
) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    command = [sys.executable, "manage.py", "replay", "--status", "dead", *arguments]
    return processes.running(shlex.join(command), log, DATABASE_URL=database_url)


@pytest.mark.full("postgresql")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_replay_that_is_ended_in_the_middle_is_continued_and_each_delivery_is_replayed_once(
    how: signal.Signals, redis: "Redis", database_url: str, tmp_path: Path
) -> None:
    dead(400)
    log = tmp_path / "replay.log"
    received = Delivery.objects.filter(status="received")
    with replay_of_dead(log, database_url, "--rate", "40") as first:
        processes.wait_until(lambda: received.count() >= 60, "a part was replayed")
        first.send_signal(how)
        assert first.wait(processes.STOPS_WITHIN) == (130 if how == signal.SIGINT else -how)
    first_run = dict(received.values_list("pk", "next_attempt_at"))
    operation = Operation.objects.get()
    done = operation.done
    assert 60 <= done == len(first_run) < 400
    if how == signal.SIGINT:
        told = log.read_text()
        match = re.search(
            r"stopped; (\d+) done; to continue, repeat the arguments with (--after) (\d+), or resume", told
        )
        assert match is not None, told
        assert (int(match[1]), operation.state) == (done, "cancelled")
        told = run("replay", "--status", "dead", match[2], match[3])
        assert told == f"{400 - done} to be processed again\n"
    else:
        # A worker continues it once the lease has ended.
        Operation.objects.update(lease_expires_at=timezone.now(), rate=0)
        while operation.state == "running":
            claimed = operations.claim("w:1", ["replay"])
            assert claimed is not None
            advanced = operations.advance(claimed, replays._replay)
            assert advanced is not None
            operation = advanced[0]
        assert (operation.state, operation.done) == ("finished", 400)
    assert received.count() == 400
    assert dict(received.filter(pk__in=first_run).values_list("pk", "next_attempt_at")) == first_run


def test_a_delivery_that_dies_of_its_replay_or_comes_meanwhile_is_not_replayed_in_the_same_run() -> None:
    dead(4)
    at_work = stored(status="processing")
    selection = Selection.of({"status": "dead"})
    first = selection.take(None, 2)
    stored(status="dead")
    now = timezone.now()
    for again in (first[0], at_work.pk):
        Delivery.objects.filter(pk=again).update(status="dead", finished_at=now)
    rest = selection.take(first[-1])
    assert len(rest) == 2
    assert not {first[0], at_work.pk} & set(rest)
    assert selection.take(rest[-1]) == []


def test_replay_keeps_to_its_rate(redis: "Redis") -> None:
    dead(30)
    start = time.monotonic()
    told = run("replay", "--status", "dead", "--rate", "10")
    assert told == "30 to be processed again\n"
    # Ten at once, then ten per second.
    assert 2 <= time.monotonic() - start < 30


@pytest.mark.once
def test_replay_waits_while_the_workers_have_a_backlog(
    redis: "Redis", database_url: str, tmp_path: Path
) -> None:
    dead(3)
    row = Delivery.objects.first()
    assert row is not None
    fields = {field.attname: getattr(row, field.attname) for field in Delivery._meta.concrete_fields[1:]}
    backlog = fields | {"status": "received", "next_attempt_at": timezone.now()}
    Delivery.objects.bulk_create(
        Delivery(**backlog | {"hook_id": 1_000 + number}) for number in range(replays.MAX_BACKLOG)
    )
    log = tmp_path / "replay.log"
    with replay_of_dead(log, database_url) as process:
        processes.wait_until(lambda: "is a worker running?" in log.read_text(), "it is reported")
        assert Delivery.objects.filter(status="dead").count() == 3
        Delivery.objects.filter(hook_id=1_000).update(status="succeeded")
        assert process.wait(processes.STOPS_WITHIN) == 0
    assert Delivery.objects.filter(status="received").count() == replays.MAX_BACKLOG - 1 + 3


@pytest.mark.once
def test_a_replay_without_redis_needs_no_wake_up(database_url: str, tmp_path: Path) -> None:
    dead(2)
    told = subprocess.run(
        [sys.executable, "manage.py", "replay", "--status", "dead"],
        cwd=processes.ROOT,
        env=processes.environment(DATABASE_URL=database_url, REDIS_URL=f"unix://{tmp_path / 'none.sock'}"),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert told.stdout == "2 to be processed again\n"
    assert "wake-ups not enqueued count=1" in told.stderr


@pytest.mark.parametrize("rate", ["-1", "nan", "inf", "many"])
def test_a_rate_is_a_number_from_zero(rate: str) -> None:
    with pytest.raises(Exception, match="not a number of deliveries per second"):
        run("replay", "--status", "dead", f"--rate={rate}")
