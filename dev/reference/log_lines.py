"""Generates the table of log lines from the constant messages in the packages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dev.reference.markdown import code, table

PACKAGES = ("receiver", "processing", "ledger", "upstream", "telemetry", "database", "console", "api")
# Methods of a logger, with the level of their lines.
LEVELS = {name: name for name in ("info", "warning", "error", "critical")} | {"exception": "error"}
FIELD = re.compile(r" (\w+)=\S*")


def blocks(root: Path) -> dict[str, str]:
    """Return the table of events with their levels, fields and packages."""
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for level, message in _logged(ast.parse(path.read_text(encoding="utf-8"))):
                event = FIELD.split(message, maxsplit=1)[0].replace("%s", "…")
                fields, packages = found.setdefault((event, level), (set(), set()))
                fields.update(map(code, FIELD.findall(message)))
                packages.add(package)
    rows = [
        (code(event), level, *(", ".join(sorted(names)) for names in found[event, level]))
        for event, level in sorted(found, key=lambda each: (each[0].lower(), each[1]))
    ]
    return {"log lines": table(("event", "level", "fields", "package"), rows)}


def _logged(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield level and message of each call of a module's logger whose message is constant and has words."""
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="logger"), attr=method),
                args=[ast.Constant(value=str(message)), *_],
            ) if method in LEVELS and not message.startswith("%"):
                yield LEVELS[method], message
