"""Names the files with generated parts, and fills in the text that they must have."""

from collections.abc import Iterator
from pathlib import Path

from dev.reference import columns, commands, endpoints, log_lines, metrics, recorded, variables
from dev.reference.markdown import fill
from ledger.models import Change, Operation, Replay
from receiver.models import Delivery, HandlerRun

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each file with the text that it must have."""
    yield ROOT / ".env.example", variables.example()
    pages = {
        "settings": variables.blocks(),
        "commands": commands.blocks(ROOT / "Makefile"),
        "metrics": metrics.blocks(),
        "api": endpoints.blocks(),
        "records": recorded.blocks(),
        "deliveries": columns.blocks(Delivery, HandlerRun),
        "operations": columns.blocks(Operation, Change, Replay),
        "logs": log_lines.blocks(ROOT),
    }
    for name, blocks in pages.items():
        page = REFERENCE / f"{name}.md"
        yield page, fill(page.read_text(encoding="utf-8"), blocks)
