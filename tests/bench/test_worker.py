"""The part `worker` of the benchmark: its workload, its rounds and its checks; no test measures a speed."""

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from bench import backlogs, cores, drains, queues, spinner, workers, workload
from bench.contenders import Contender
from bench.delivery import SECRET
from bench.processes import ContenderError
from bench.servers import Servers
from bench.workers import Worker
from receiver.models import Delivery
from records.models import Commit
from tests import servers

# Processes a list of numbers. It never processes `skip`, and does not record `lose`.
WORKER = """
import sys, time, redis
client = redis.Redis(unix_socket_path=sys.argv[1])
skip, lose = sys.argv[2:4]
while True:
    number = (client.lpop("bench:waiting") or b"").decode()
    if number in ("", skip):
        time.sleep(0.005)
        continue
    if number != lose:
        client.incr("bench:records")
    client.incr("bench:done")
"""


class Numbers:
    """Store a backlog of numbers in Redis."""

    every = 0.01

    def __init__(self, redis: "Redis") -> None:
        self.redis = redis
        self.enqueued = 0

    def clear(self) -> None:
        self.enqueued = 0

    def fill(self, first: int, count: int) -> None:
        self.enqueued += count
        self.redis.rpush("bench:waiting", *range(first, first + count))

    @contextmanager
    def watched(self) -> Iterator[Callable[[], bool]]:
        yield lambda: not self.left()

    def left(self) -> int:
        return self.enqueued - self.count("bench:done")

    def finished(self) -> float | None:
        return None

    def count(self, key: str) -> int:
        found = self.redis.get(key)
        return int(found) if isinstance(found, bytes) else 0

    def wrong(self, count: int) -> list[str]:
        found = self.count("bench:records")
        return [] if found == count else [f"{found} records, and there should be {count}"]


Start = Callable[..., Worker]


@pytest.fixture
def backends(tmp_path: Path) -> Servers:
    return Servers(tmp_path, "", servers.folder / "redis.sock", os.getpid())


@pytest.fixture
def numbers(redis: "Redis", backends: Servers) -> Start:
    def make(*, skip: int = -1, lose: int = -1, program: str = WORKER, processes: int = 1) -> Worker:
        words = [sys.executable, "-c", program, str(backends.redis_socket), str(skip), str(lose)]
        return Worker("numbers", "nothing", shlex.join(words), {}, Numbers(redis), processes=processes)

    return make


def test_a_delivery_of_the_workload_is_always_the_same_wherever_it_is_begun() -> None:
    assert list(workload.deliveries(0, 20))[7:15] == list(workload.deliveries(7, 8))


def test_every_record_of_the_workload_is_a_row_of_its_own() -> None:
    count = 3 * len(workload.KINDS) * workload.REPOSITORIES
    seen: dict[str, set[object]] = {
        "pushes": set(),
        "commits": set(),
        "pull requests": set(),
        "issues": set(),
    }
    guids = set()
    for one in workload.deliveries(0, count):
        payload = json.loads(one.body)
        repository = payload["repository"]["id"]
        guids.add(one.guid)
        if one.event == "push":
            assert payload["after"] == payload["commits"][-1]["id"] == payload["head_commit"]["id"]
            seen["pushes"].add((repository, payload["after"]))
            seen["commits"] |= {(repository, commit["id"]) for commit in payload["commits"]}
        else:
            kind, name = {"pull_request": ("pull requests", "pull_request"), "issues": ("issues", "issue")}[
                one.event
            ]
            seen[kind].add((repository, payload[name]["number"]))

    assert {"deliveries": len(guids)} | {kind: len(rows) for kind, rows in seen.items()} == dict(
        workload.records(count)
    )


def test_every_repository_gets_every_kind_equally_often() -> None:
    count = 2 * len(workload.KINDS) * workload.REPOSITORIES
    kinds = Counter(
        (payload["repository"]["full_name"], one.event, len(payload.get("commits", ())))
        for one in workload.deliveries(0, count)
        for payload in [json.loads(one.body)]
    )

    assert set(kinds.values()) == {2}
    assert len(kinds) == len(workload.KINDS) * workload.REPOSITORIES


def test_the_backlog_is_made_of_deliveries_that_intake_takes() -> None:
    arrivals = list(islice(backlogs.signed(0, 5), 5))

    assert [one.event for one in arrivals] == ["push", "push", "push", "pull_request", "issues"]
    assert {one.repository for one in arrivals} == {"harbour-works/tide-tables-0"}
    assert arrivals[3].number == 4


def test_each_queue_of_the_naive_job_has_a_worker_and_a_client() -> None:
    assert (
        set(workers.COMMANDS) == set(queues.CLIENTS) >= {"arq", "saq", "celery", "dramatiq", "procrastinate"}
    )


def test_a_drain_counts_what_was_done_after_the_warming_up(numbers: Start, backends: Servers) -> None:
    worker = numbers(processes=2)

    found, wrong = drains.drain(worker, 200, cores.split(two=True), backends)

    assert wrong == []
    assert found.rate > 0
    assert isinstance(worker.backlog, Numbers)
    assert worker.backlog.enqueued == 200 + 2 * 10


def test_a_drain_that_leaves_a_delivery_undone_is_wrong(numbers: Start, backends: Servers) -> None:
    found, wrong = drains.drain(numbers(skip=50), 200, cores.split(two=True), backends, within=5)

    assert wrong == [
        "1 of 200 deliveries were not done within 5 seconds",
        "209 records, and there should be 210",
    ]
    assert found.rate < 200 / 5


def test_a_drain_whose_records_are_not_all_there_is_wrong(numbers: Start, backends: Servers) -> None:
    _, wrong = drains.drain(numbers(lose=50), 200, cores.split(two=True), backends)

    assert wrong == ["209 records, and there should be 210"]


def test_a_worker_that_never_becomes_ready_is_wrong(numbers: Start, backends: Servers) -> None:
    program = "import time; print('deaf', flush=True); time.sleep(60)"

    found, (wrong,) = drains.drain(numbers(program=program), 200, cores.split(two=True), backends, within=1)

    assert found.rate == 0
    assert "not ready" in wrong
    assert "deaf" in wrong


def test_the_error_for_a_worker_that_ends_has_its_last_output(numbers: Start, backends: Servers) -> None:
    with pytest.raises(ContenderError, match="no queue here"):
        drains.drain(numbers(program="raise SystemExit('no queue here')"), 200, cores.split(), backends)


def test_what_burns_the_other_half_of_a_core_is_not_the_workers_and_goes_with_the_drain(
    numbers: Start, backends: Servers
) -> None:
    slow = WORKER.replace("    if number != lose", "    time.sleep(0.01)\n    if number != lose")
    worker = replace(numbers(program=slow), halved=True)

    found, wrong = drains.drain(worker, 100, cores.split(two=True), backends)

    assert wrong == []
    assert found.busy < 0.5
    assert (backends.folder / "spinner.log").read_text() == ""
    assert spinners() == []


def test_what_burns_cpu_ends_when_the_benchmark_is_interrupted(tmp_path: Path) -> None:
    def interrupted() -> None:
        with spinner.spinning(cores.split(two=True).contender, tmp_path) as process:
            while process.cpu() < 0.05:
                process.check()
            assert len(spinners()) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert spinners() == []


def test_what_burns_cpu_ends_by_itself_when_the_benchmark_is_no_more() -> None:
    somebody_else = str(os.getpid() + 1)
    subprocess.run([sys.executable, "-c", spinner.PROGRAM, somebody_else], check=True, timeout=60)


def spinners() -> list[int]:
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if spinner.PROGRAM in child.cmdline():
                found.append(child.pid)
    return found


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it fills a PostgreSQL database")
@pytest.mark.django_db(transaction=True)
def test_the_procfiles_worker_does_the_whole_workload_and_a_missing_row_is_wrong(
    redis: "Redis", backends: Servers, database_url: str
) -> None:
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": settings.REDIS_URL,
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "HOOKKEEPER_DATA": str(backends.folder),
    }
    made = workers.hookkeeper(Contender("", "", "", environment=environment, database=database_url))

    _, wrong = drains.drain(made, 40, cores.split(two=True), backends, within=90)

    assert wrong == []
    assert Delivery.objects.count() == 45
    Commit.objects.filter(pk=Commit.objects.earliest("pk").pk).delete()
    commits = workload.records(45)["commits"]
    assert made.backlog.wrong(45) == [f"{commits - 1} commits are stored, and there should be {commits}"]
