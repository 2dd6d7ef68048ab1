"""The part `worker` of the benchmark: its workload, its rounds and what it calls wrong; never a speed."""

import argparse
import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis
from rich.console import Console

from bench import __main__ as command
from bench import backlogs, cores, drains, figures, worker_report, workers, workload
from bench.contenders import Contender
from bench.delivery import SECRET
from bench.figures import Drain, Target
from bench.latency import Load
from bench.processes import ContenderError
from bench.servers import Servers
from bench.worker import Options, Result
from bench.workers import Worker
from receiver.models import Delivery
from records.models import Commit
from tests import servers

# Works off a list of numbers. `skip` is one that it never does, `lose` one of which it keeps no record.
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
    """A backlog of numbers in Redis."""

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
    assert list(workload.given(0, 20))[7:15] == list(workload.given(7, 8))


def test_every_record_of_the_workload_is_a_row_of_its_own() -> None:
    count = 3 * len(workload.KINDS) * workload.REPOSITORIES
    seen: dict[str, set[object]] = {
        "pushes": set(),
        "commits": set(),
        "pull requests": set(),
        "issues": set(),
    }
    guids = set()
    for one in workload.given(0, count):
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
        for one in workload.given(0, count)
        for payload in [json.loads(one.body)]
    )

    assert set(kinds.values()) == {2}
    assert len(kinds) == len(workload.KINDS) * workload.REPOSITORIES


def test_the_backlog_is_made_of_deliveries_that_intake_takes() -> None:
    arrivals = list(islice(backlogs.signed(0, 5), 5))

    assert [one.event for one in arrivals] == ["push", "push", "push", "pull_request", "issues"]
    assert {one.repository for one in arrivals} == {"harbour-works/tide-tables-0"}
    assert arrivals[3].number == 4


def test_a_drain_counts_what_was_done_after_the_warming_up(numbers: Start, backends: Servers) -> None:
    worker = numbers(processes=2)

    found, wrong = drains.drain(worker, 200, cores.split(two=True), backends)

    assert wrong == []
    assert found.rate > 0
    assert isinstance(worker.backlog, Numbers)
    assert worker.backlog.enqueued == 200 + 2 * 10


def test_a_drain_that_leaves_a_delivery_undone_is_wrong(numbers: Start, backends: Servers) -> None:
    found, wrong = drains.drain(numbers(skip=50), 200, cores.split(two=True), backends, within=1.5)

    assert wrong == [
        "1 of 200 deliveries were not done within 1.5 seconds",
        "209 records, and there should be 210",
    ]
    assert found.rate < 200 / 1.5


def test_a_drain_whose_records_are_not_all_there_is_wrong(numbers: Start, backends: Servers) -> None:
    _, wrong = drains.drain(numbers(lose=50), 200, cores.split(two=True), backends)

    assert wrong == ["209 records, and there should be 210"]


def test_a_worker_that_never_becomes_ready_is_wrong(numbers: Start, backends: Servers) -> None:
    program = "import time; print('deaf', flush=True); time.sleep(60)"

    found, (wrong,) = drains.drain(numbers(program=program), 200, cores.split(two=True), backends, within=1)

    assert found.rate == 0
    assert "not ready" in wrong
    assert "deaf" in wrong


def test_a_worker_that_ends_by_itself_is_told_with_its_last_words(numbers: Start, backends: Servers) -> None:
    with pytest.raises(ContenderError, match="no queue here"):
        drains.drain(numbers(program="raise SystemExit('no queue here')"), 200, cores.split(), backends)


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

    _, wrong = drains.drain(made, 40, cores.split(two=True), backends, within=30)

    assert wrong == []
    assert Delivery.objects.count() == 45
    Commit.objects.filter(pk=Commit.objects.earliest("pk").pk).delete()
    commits = workload.records(45)["commits"]
    assert made.backlog.wrong(45) == [f"{commits - 1} commits are stored, and there should be {commits}"]


def test_the_command_line_knows_who_takes_part() -> None:
    assert list(command.WORKERS) == list(workers.everybody())


@pytest.mark.parametrize(
    ("late", "verdict"), [(100.0, "aim met"), (109.0, "met"), (110.0, "met"), (111.0, "not met")]
)
def test_a_target_that_is_to_be_stayed_below_is_met_by_what_is_lower(late: float, verdict: str) -> None:
    target = Target("late / early", "late", "early", at_least=1.1, aim=1.0)

    (ratio,) = figures.ratios({"late": [late], "early": [100.0]}, [target])

    assert ratio.verdict == verdict


def drain(rate: float, busy: float = 0.9, rest_busy: float = 0.5) -> Drain:
    return Drain(rate, 2e-4, 1e-4, 90_000_000, busy, rest_busy)


def measured() -> Result:
    return Result(
        Options(10_000, 3, 10, 4.0, 100_000),
        {},
        drains={
            "hookkeeper": [drain(5000), drain(4000), drain(6000)],
            "hookkeeper-two": [drain(9000), drain(6800), drain(9000)],
            "naive-arq": [drain(100), drain(100), drain(200)],
        },
        idle={figures.IDLE: [[0.01, 0.02, 0.03]], figures.IDLE_RARELY: [[0.2, 0.25, 0.6]]},
        resting={figures.IDLE: [0.02], figures.IDLE_RARELY: [0.015]},
        loads=[Load(2500, 2500, 0.04, 0.09, 0.6)],
        memory=[(10_000, 100_000_000), (100_000, 104_000_000)],
        apart=False,
    )


def test_the_targets_of_the_worker_are_judged_round_by_round() -> None:
    ratios = figures.ratios(measured().figures(), figures.WORKER)

    assert [(ratio.rounds, ratio.verdict) for ratio in ratios] == [
        ((50.0, 40.0, 30.0), "aim met"),
        ((), "not measured"),
        ((1.8, 1.7, 1.5), "met"),
        ((0.08,), "met"),
        ((1.04,), "met"),
    ]


def test_the_report_of_the_worker_shows_rates_latencies_memory_and_is_json() -> None:
    result = measured()
    screen = Console(width=160, record=True, file=StringIO())
    screen.print(worker_report.drains(result), worker_report.latencies(result), worker_report.memory(result))
    text = screen.export_text()

    assert all(part in text for part in ("5,000", "4,000 to 6,000", "90%", "250.0", "90.0", "104.0"))
    found = json.loads(json.dumps(worker_report.document(result, [])))
    assert [one["rate"] for one in found["workers"]["naive-arq"]["rounds"]] == [100, 100, 200]


def test_two_processes_without_a_core_for_the_database_are_told_with_what_was_to_be_had() -> None:
    result = measured()

    (shared,) = worker_report.cautions(result)
    result.apart = True

    assert "at most 1.33 times" in shared
    assert worker_report.cautions(result) == []


def test_a_load_that_was_not_taken_in_is_told() -> None:
    result = measured()
    result.apart, result.loads = True, [Load(2500, 2000, 0.04, 0.09, 0.6)]

    assert [one.partition(":")[0] for one in worker_report.cautions(result)] == ["half load"]


@pytest.mark.parametrize(("wrong", "status"), [([], 0), (["hookkeeper, round 1: a row is missing"], 1)])
def test_what_is_wrong_is_said_and_ends_the_run_with_1(wrong: list[str], status: int, tmp_path: Path) -> None:
    told, said = argparse.Namespace(json=tmp_path / "a" / "found.json"), list[object]()

    assert command.finish(told, said.append, {}, [], {"figures": 1}, wrong) == status
    assert [line for line in said if "WRONG" in str(line)] == [f"WRONG: {what}" for what in wrong]
    assert json.loads(told.json.read_text()) == {"figures": 1}
