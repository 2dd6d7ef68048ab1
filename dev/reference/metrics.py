"""Generates the table of metrics from the families that the console exposes."""

from console import exposition
from dev.reference.markdown import code, table


def blocks() -> dict[str, str]:
    """Return the table of the page."""
    rows = []
    for family in exposition.families():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(map(code, family._labelnames))  # type: ignore[attr-defined]
        rows.append((code(name), family.type, labels, family.documentation))
    return {"metrics": table(("metric", "type", "labels", "meaning"), rows)}
