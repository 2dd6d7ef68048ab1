"""Formats the results of the part `worker`, as tables for the terminal and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from rich.table import Table

from bench import report, workers
from bench.figures import Ratio, middle, percentile
from bench.worker import Result

ON_TIME = 0.95  # share of the offered load that must be processed
HALF, WITHIN = 0.5, 0.05  # of a core; a larger deviation from half is reported


def drains(result: Result) -> Table:
    """Return a table of the workers: medians of the rounds, with the lowest and highest rate."""
    table = Table(title="worker: medians of the rounds", caption_justify="left")
    table.add_column("contender", no_wrap=True)
    table.add_column("does", no_wrap=True)
    for name in (
        "deliveries/s",
        "lowest to highest",
        "CPU µs",
        "of a core",
        "backends µs",
        "peak MB",
        "rest",
    ):
        table.add_column(name, justify="right")
    table.caption = (
        "CPU: the worker, for each delivery. of a core: the CPU that its processes had together.\n"
        "backends: PostgreSQL and Redis, for each delivery.\n"
        "rest: how busy the other cores were, with whatever else the machine did."
    )
    if "hookkeeper-two" in result.drains and result.split.shares:
        table.caption += f"\nTwo workers: {result.split.shares}."
    for name, found in result.drains.items():
        one = middle(found)
        lowest, highest = min(each.rate for each in found), max(each.rate for each in found)
        table.add_row(
            name,
            result.does.get(name, ""),
            f"{one.rate:,.0f}",
            f"{lowest:,.0f} to {highest:,.0f}",
            f"{one.cpu * 1e6:,.0f}",
            f"{one.busy:.0%}",
            f"{one.backend_cpu * 1e6:,.0f}",
            "" if one.peak_memory is None else f"{one.peak_memory / 1e6:.0f}",
            f"{one.rest_busy:.0%}",
        )
    return table


def latencies(result: Result) -> Table:
    """Return a table of latencies: over all samples when idle, and the medians of the rounds under load."""
    table = Table(title="from receipt to settled")
    table.add_column("load")
    for name in ("p50 ms", "p99 ms", "deliveries", "deliveries/s offered", "taken", "CPU at rest"):
        table.add_column(name, justify="right")
    for name, rounds in result.idle.items():
        seconds = [each for one in rounds for each in one]
        row = [f"{percentile(seconds, share) * 1e3:.1f}" for share in (0.5, 0.99)]
        label, resting = name.removesuffix(" p50").replace(" p50,", ","), median(result.resting[name])
        table.add_row(label, *row, str(len(seconds)), "", "", f"{resting:.1%}")
    if result.loads:
        p50, p99 = median(one.p50 for one in result.loads), median(one.p99 for one in result.loads)
        offered = median(one.offered for one in result.loads)
        taken = median(one.taken for one in result.loads)
        table.add_row("half", f"{p50 * 1e3:.1f}", f"{p99 * 1e3:.1f}", "", f"{offered:,.0f}", f"{taken:,.0f}")
    return table


def memory(result: Result) -> Table:
    """Return a table of resident memory after each portion."""
    table = Table(title="resident memory, with nothing to do")
    table.add_column("after deliveries", justify="right")
    table.add_column("MB", justify="right")
    for count, resident in result.memory:
        table.add_row(f"{count:,}", f"{resident / 1e6:.1f}")
    return table


def cautions(result: Result) -> list[str]:
    """Return a caution for each figure that the machine limited."""
    found = []
    for name, rounds in result.drains.items():
        if middle(rounds).rest_busy > report.SATURATED:
            found.append(f"{name}: the other cores were fully busy; the rate is a lower bound")
    if "hookkeeper-two" in result.drains and not result.split.second:
        found.append(
            "hookkeeper-two: nothing is pinned; it shares cores with PostgreSQL as it happens, and its ratio"
            " to one worker is not the workers' alone"
        )
    half = result.drains.get(workers.HALF)
    if half and abs(middle(half).busy - HALF) > WITHIN:
        found.append(
            f"{workers.HALF}: it had {middle(half).busy:.0%} of a core, not half; beside it two workers look"
            f" {'better' if middle(half).busy < HALF else 'worse'} than they are"
        )
    if any(load.taken < ON_TIME * load.offered for load in result.loads):
        found.append("half load: less was taken in than was offered; the latencies are of that load")
    if any(load.rest_busy > report.SATURATED for load in result.loads):
        found.append("half load: the other cores were fully busy; the latencies are those of a crowd")
    return found


def document(result: Result, ratios: Sequence[Ratio]) -> dict[str, object]:
    """Return all results for JSON, in seconds and bytes."""
    return {
        "machine": result.machine,
        "options": asdict(result.options),
        "workers": {
            name: {
                "does": result.does.get(name, ""),
                "median": asdict(middle(found)),
                "rounds": [asdict(each) for each in found],
            }
            for name, found in result.drains.items()
        },
        "two_workers": result.split.shares,
        "idle": result.idle,
        "resting": result.resting,
        "half_load": [asdict(one) for one in result.loads],
        "memory": [{"deliveries": count, "resident": resident} for count, resident in result.memory],
        "targets": report.judged(ratios),
        "cautions": cautions(result),
    }
