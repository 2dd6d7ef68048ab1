"""Formats the results of a run, as tables for the terminal and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from bench.figures import Ratio, Round, middle

SATURATED = 0.9  # of one core; above it, the generator or the backends limit a contender


def rates(rounds: Mapping[str, Sequence[Round]], keeps: Mapping[str, str]) -> Table:
    """Return a table of the contenders: medians of the rounds, with the lowest and highest rate."""
    table = Table(title="ingest: medians of the rounds", caption_justify="left")
    table.add_column("contender", no_wrap=True)
    table.add_column("keeps", no_wrap=True)
    columns = ("requests/s", "lowest to highest", "p50 ms", "p99 ms", "CPU µs", "backends µs", "peak MB")
    for name in (*columns, "load", "rest"):
        table.add_column(name, justify="right")
    table.caption = (
        "CPU: the receiver, for each request. backends: PostgreSQL and Redis, for each request.\n"
        "load: share of a core that the load generator used. rest: how busy the other cores were, with\n"
        "whatever else the machine did."
    )
    for name, found in rounds.items():
        one = middle(found)
        lowest, highest = min(each.rate for each in found), max(each.rate for each in found)
        table.add_row(
            name,
            keeps.get(name, ""),
            f"{one.rate:,.0f}",
            f"{lowest:,.0f} to {highest:,.0f}",
            f"{one.p50 * 1e3:.1f}",
            f"{one.p99 * 1e3:.1f}",
            f"{one.cpu * 1e6:,.0f}",
            f"{one.backend_cpu * 1e6:,.0f}",
            "" if one.peak_memory is None else f"{one.peak_memory / 1e6:.0f}",
            f"{one.load_share:.0%}",
            f"{one.rest_busy:.0%}",
        )
    return table


def targets(ratios: Sequence[Ratio]) -> Table:
    """Return a table of the targets, with the median of the ratios and the verdict."""
    table = Table(title="targets: ratios, round by round")
    for name in ("ratio", "at least", "aim", "median", "lowest to highest", ""):
        table.add_column(name, justify="left" if name in {"ratio", ""} else "right")
    for ratio in ratios:
        spread = f"{min(ratio.rounds):.2f} to {max(ratio.rounds):.2f}" if ratio.rounds else ""
        table.add_row(
            ratio.target.text,
            f"{ratio.target.at_least:g}",
            f"{ratio.target.aim:g}",
            "" if ratio.median is None else f"{ratio.median:.2f}",
            spread,
            ratio.verdict,
        )
    return table


def cautions(rounds: Mapping[str, Sequence[Round]]) -> list[str]:
    """Return a caution for each contender that the harness limited."""
    found = []
    for name, each in rounds.items():
        one = middle(each)
        if one.load_share > SATURATED:
            found.append(f"{name}: the load generator used its whole core; the rate is a lower bound")
        elif one.rest_busy > SATURATED:
            found.append(f"{name}: the other cores were fully busy; the rate is a lower bound")
    return found


def judged(ratios: Sequence[Ratio]) -> list[dict[str, object]]:
    """Return the targets for JSON."""
    return [
        {
            "ratio": ratio.target.text,
            "at_least": ratio.target.at_least,
            "aim": ratio.target.aim,
            "rounds": list(ratio.rounds),
            "median": ratio.median,
            "verdict": ratio.verdict,
        }
        for ratio in ratios
    ]


def document(
    machine: Mapping[str, object],
    options: Mapping[str, object],
    rounds: Mapping[str, Sequence[Round]],
    keeps: Mapping[str, str],
    ratios: Sequence[Ratio],
) -> dict[str, object]:
    """Return all results for JSON, in seconds and bytes."""
    return {
        "machine": dict(machine),
        "options": dict(options),
        "contenders": {
            name: {
                "keeps": keeps.get(name, ""),
                "median": asdict(middle(found)),
                "rounds": [asdict(each) for each in found],
            }
            for name, found in rounds.items()
        },
        "targets": judged(ratios),
        "cautions": cautions(rounds),
    }
