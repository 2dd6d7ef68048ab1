"""Compares the medians of a run with those of an earlier one. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

FIGURES = ("rate", "p50", "p99", "cpu", "backend_cpu", "peak_memory")
"""The figures that are compared, in deliveries per second, seconds and bytes."""


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, str, float, float, float]]:
    """Yield contender, figure, both values and their ratio, of the contenders that are in both documents."""
    earlier = _medians(before)
    for name, median in _medians(after).items():
        for figure in FIGURES:
            old, new = earlier.get(name, {}).get(figure), median.get(figure)
            if old and new is not None:
                yield name, figure, old, new, new / old


def table(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    """Return a table of the changes since the document `before`."""
    found = Table(title="medians, and those of the earlier run")
    for name in ("contender", "figure", "before", "after", "change"):
        found.add_column(name, justify="left" if name in {"contender", "figure"} else "right")
    for name, figure, old, new, ratio in changes(before, after):
        found.add_row(name, figure, f"{old:,.6g}", f"{new:,.6g}", f"{ratio - 1:+.1%}")
    return found


def _medians(document: Mapping[str, Any]) -> dict[str, Mapping[str, float | None]]:
    """Return the medians by contender, which the parts `ingest` and `worker` write."""
    contenders = document.get("contenders") or document.get("workers") or {}
    return {name: each["median"] for name, each in contenders.items()}
