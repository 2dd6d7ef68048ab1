"""The part `worker` of the benchmark: its workload, its rounds and what it calls wrong; never a speed."""

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from itertools import islice
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection
from redis import Redis
from rich.console import Console

from bench import __main__ as command
from bench import backlogs, cores, drains, figures, spinner, worker_report, workers, workload
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


def test_what_burns_the_other_half_of_a_core_is_not_the_workers_and_goes_with_the_drain(
    numbers: Start, backends: Servers
) -> None:
    worker = numbers(
        program=WORKER.replace("    if number != lose", "    time.sleep(0.01)\n    if number != lose")
    )

    alone, _ = drains.drain(worker, 100, cores.split(two=True), backends)
    halved, wrong = drains.drain(replace(worker, halved=True), 100, cores.split(two=True), backends)

    assert wrong == []
    assert alone.busy < 0.5
    assert halved.busy < 0.5
    assert (backends.folder / "spinner.log").read_text() == ""
    assert spinners() == []


def test_what_burns_cpu_ends_when_the_benchmark_is_interrupted(tmp_path: Path) -> None:
    def interrupted() -> None:
        with spinner.spinning(cores.split(two=True).contender, tmp_path):
            assert len(spinners()) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert spinners() == []


def test_what_burns_cpu_ends_by_itself_when_the_benchmark_is_no_more() -> None:
    somebody_else = str(os.getpid() + 1)

    subprocess.run([sys.executable, "-c", spinner.PROGRAM, somebody_else], check=True, timeout=20)


def spinners() -> list[int]:
    return [child.pid for child in psutil.Process().children() if spinner.PROGRAM in child.cmdline()]


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


TWO, THREE = cores.divided([0, 1], two=True), cores.divided([0, 1, 2], two=True)
UNPINNED = cores.Cores(frozenset(), frozenset())


def test_two_workers_have_a_core_each_of_three_and_halves_of_one_of_two() -> None:
    assert cores.Cores(frozenset({0}), frozenset({2}), frozenset({1})) == THREE
    assert cores.Cores(frozenset({0}), frozenset({1}), frozenset({0})) == TWO
    assert cores.divided([5], two=True) == cores.Cores(frozenset({5}), frozenset({5}), frozenset({5}))
    assert cores.divided([3, 1, 2], two=False) == cores.Cores(frozenset({1}), frozenset({2, 3}))
    assert THREE.shares == "a core each, 0 and 1; PostgreSQL, Redis and the rest on core 2"
    assert TWO.shares == "half a core each, on core 0; PostgreSQL, Redis and the rest on core 1"
    assert (str(TWO), UNPINNED.shares) == ("contender on core 0, everything else on core 1", "")


def test_a_worker_on_half_a_core_takes_part_where_two_workers_have_halves() -> None:
    everybody = list(workers.everybody())
    without = [name for name in everybody if name != "hookkeeper-half"]

    assert [workers.chosen((), split) for split in (TWO, THREE, UNPINNED)] == [everybody, without, without]
    assert workers.chosen(["hookkeeper-two", "hookkeeper-half"], TWO) == ["hookkeeper-half", "hookkeeper-two"]
    with pytest.raises(ContenderError, match="fewer than three cores"):
        workers.chosen(["hookkeeper-half"], THREE)


@pytest.mark.parametrize(
    ("split", "one"), [(TWO, "hookkeeper-half"), (THREE, "hookkeeper"), (UNPINNED, "hookkeeper")]
)
def test_two_workers_are_judged_beside_one_that_has_what_each_of_them_has(
    split: cores.Cores, one: str
) -> None:
    (target,) = [each for each in figures.worker(workers.one_of_two(split)) if each.over == "hookkeeper-two"]

    assert (target.text, target.under, target.at_least) == ("two workers / one", one, 1.6)


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
        TWO,
        drains={
            "hookkeeper": [drain(5000), drain(4000), drain(6000)],
            "hookkeeper-half": [drain(4500, 0.47), drain(4000, 0.49), drain(5000, 0.51)],
            "hookkeeper-two": [drain(9000), drain(6800), drain(9000)],
            "naive-arq": [drain(100), drain(100), drain(200)],
        },
        idle={figures.IDLE: [[0.01, 0.02, 0.03]], figures.IDLE_RARELY: [[0.2, 0.25, 0.6]]},
        resting={figures.IDLE: [0.02], figures.IDLE_RARELY: [0.015]},
        loads=[Load(2500, 2500, 0.04, 0.09, 0.6)],
        memory=[(10_000, 100_000_000), (100_000, 104_000_000)],
    )


def test_the_targets_of_the_worker_are_judged_round_by_round() -> None:
    ratios = figures.ratios(measured().figures(), figures.worker("hookkeeper-half"))

    assert [(ratio.rounds, ratio.verdict) for ratio in ratios] == [
        ((50.0, 40.0, 30.0), "aim met"),
        ((), "not measured"),
        ((2.0, 1.7, 1.8), "met"),
        ((0.08,), "met"),
        ((1.04,), "met"),
    ]


def test_the_report_of_the_worker_shows_rates_latencies_memory_and_is_json() -> None:
    result = measured()
    screen = Console(width=160, record=True, file=StringIO())
    screen.print(worker_report.drains(result), worker_report.latencies(result), worker_report.memory(result))
    text = screen.export_text()

    assert all(part in text for part in ("5,000", "4,000 to 6,000", "49%", "250.0", "90.0", "104.0"))
    assert "Two workers: half a core each, on core 0" in text
    found = json.loads(json.dumps(worker_report.document(result, [])))
    assert [one["rate"] for one in found["workers"]["naive-arq"]["rounds"]] == [100, 100, 200]


def test_two_processes_that_are_not_pinned_are_told() -> None:
    assert worker_report.cautions(measured()) == []

    (unpinned,) = worker_report.cautions(replace(measured(), split=UNPINNED))

    assert unpinned.startswith("hookkeeper-two: nothing is pinned")


@pytest.mark.parametrize(("busy", "look"), [(0.4, "better"), (0.6, "worse")])
def test_a_worker_that_had_less_or_more_than_half_of_its_core_is_told(busy: float, look: str) -> None:
    result = measured()
    result.drains["hookkeeper-half"] = [drain(4500, busy)]

    (told,) = worker_report.cautions(result)

    assert f"it had {busy:.0%} of a core, not half; beside it two workers look {look} than they are" in told


def test_two_workers_whose_databases_core_was_busy_are_told() -> None:
    result = measured()
    result.drains["hookkeeper-two"] = [drain(9000, rest_busy=0.92)]

    (told,) = worker_report.cautions(result)

    assert told.startswith("hookkeeper-two: the other cores were fully busy")


def test_a_load_that_was_not_taken_in_is_told() -> None:
    result = measured()
    result.loads = [Load(2500, 2000, 0.04, 0.09, 0.6)]

    assert [one.partition(":")[0] for one in worker_report.cautions(result)] == ["half load"]


@pytest.mark.parametrize(("wrong", "status"), [([], 0), (["hookkeeper, round 1: a row is missing"], 1)])
def test_what_is_wrong_is_said_and_ends_the_run_with_1(wrong: list[str], status: int, tmp_path: Path) -> None:
    told, said = argparse.Namespace(json=tmp_path / "a" / "found.json"), list[object]()

    assert command.finish(told, said.append, {}, [], {"figures": 1}, wrong) == status
    assert [line for line in said if "WRONG" in str(line)] == [f"WRONG: {what}" for what in wrong]
    assert json.loads(told.json.read_text()) == {"figures": 1}
