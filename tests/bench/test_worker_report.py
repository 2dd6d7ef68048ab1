"""The report of the part `worker` of the benchmark: comparisons, verdicts and warnings."""

import argparse
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench import comparison, cores, figures, running, worker_report, workers
from bench.__main__ import options
from bench.commands import commands
from bench.commands.worker import CONTENDERS
from bench.figures import Drain, Target
from bench.latency import Load
from bench.processes import ContenderError
from bench.worker import Options, Result


def test_the_command_line_lists_all_contenders() -> None:
    assert set(CONTENDERS) == workers.all_workers().keys()


def test_every_part_has_a_command_line_that_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for part, command in commands().items():
        with pytest.raises(SystemExit):
            options([part, "--help"])
        assert command.HELP
        assert f"python -m bench {part}" in capsys.readouterr().out


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
    everybody = [name for name in workers.all_workers() if name != workers.ARQ]
    without = [name for name in everybody if name != "hookkeeper-half"]

    assert [workers.chosen((), split) for split in (TWO, THREE, UNPINNED)] == [everybody, without, without]
    assert workers.chosen([workers.ARQ], TWO) == [workers.ARQ]
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
        ((50.0, 40.0, 30.0), "not met"),
        ((), "not measured"),
        ((2.0, 1.7, 1.8), "met"),
        ((0.08,), "not met"),
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


def test_the_report_warns_of_two_processes_that_are_not_pinned() -> None:
    assert worker_report.cautions(measured()) == []

    (unpinned,) = worker_report.cautions(replace(measured(), split=UNPINNED))

    assert unpinned.startswith("hookkeeper-two: nothing is pinned")


@pytest.mark.parametrize(("busy", "look"), [(0.4, "better"), (0.6, "worse")])
def test_the_report_warns_of_a_worker_with_more_or_less_than_half_of_its_core(busy: float, look: str) -> None:
    result = measured()
    result.drains["hookkeeper-half"] = [drain(4500, busy)]

    (told,) = worker_report.cautions(result)

    assert f"it had {busy:.0%} of a core, not half; beside it two workers look {look} than they are" in told


def test_the_report_warns_of_a_busy_core_of_the_database() -> None:
    result = measured()
    result.drains["hookkeeper-two"] = [drain(9000, rest_busy=0.92)]

    (told,) = worker_report.cautions(result)

    assert told.startswith("hookkeeper-two: the other cores were fully busy")


def test_the_report_warns_of_a_load_that_was_not_processed() -> None:
    result = measured()
    result.loads = [Load(2500, 2000, 0.04, 0.09, 0.6)]

    assert [one.partition(":")[0] for one in worker_report.cautions(result)] == ["half load"]


@pytest.mark.parametrize(("wrong", "status"), [([], 0), (["hookkeeper, round 1: a row is missing"], 1)])
def test_an_error_is_printed_and_the_exit_status_is_1(wrong: list[str], status: int, tmp_path: Path) -> None:
    told, said = argparse.Namespace(json=tmp_path / "a" / "found.json", compare=None), list[object]()

    assert running.finish_comparison(told, said.append, {}, [], {"figures": 1}, wrong) == status
    assert [line for line in said if "WRONG" in str(line)] == [f"WRONG: {what}" for what in wrong]
    assert json.loads(told.json.read_text()) == {"figures": 1}


def test_the_changes_since_an_earlier_run_are_those_of_contenders_in_both(tmp_path: Path) -> None:
    earlier = {"workers": {"hookkeeper": {"median": {"rate": 1000.0, "cpu": 0.0004, "peak_memory": None}}}}
    file = tmp_path / "worker.json"
    file.write_text(json.dumps(earlier))
    arguments = options(["worker", "--compare", str(file)])
    later = {
        "workers": {
            "hookkeeper": {"median": {"rate": 1100.0, "cpu": 0.0003, "peak_memory": 5}},
            "naive-arq": {"median": {"rate": 20.0, "cpu": 0.01}},
        }
    }
    assert list(comparison.changes(arguments.compare, later)) == [
        ("hookkeeper", "rate", 1000.0, 1100.0, 1.1),
        ("hookkeeper", "cpu", 0.0004, 0.0003, pytest.approx(0.75)),
    ]


def test_a_file_that_is_no_run_is_an_error_before_the_run_begins(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        options(["ingest", "--compare", str(tmp_path / "nothing.json")])
