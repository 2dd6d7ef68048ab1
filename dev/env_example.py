"""`python -m dev.env_example`: write `.env.example` from the table of `docs/reference/settings.md`.

A test holds that table against what the settings read, and `.env.example` against the table.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "docs" / "reference" / "settings.md"
EXAMPLE = ROOT / ".env.example"
ROW = re.compile(r"^\| `([A-Z][A-Z_]*(?:<[A-Z]+>)?)` \| (.+?) \| (.+) \|$", re.M)
HEAD = """\
# The settings of Hookkeeper with their defaults. Copy this file to `.env`, which git ignores.
# docs/reference/settings.md says more about each. Written by `python -m dev.env_example`.
"""


def example(page: str) -> str:
    """Return the text of `.env.example`: each variable of the page's table, with its first sentence."""
    parts = [HEAD]
    for name, default, meaning in ROW.findall(page):
        only = re.fullmatch(r"`([^`]+)`(?: \(.*\))?", default)
        sentence = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", re.split(r"(?<=[.:]) ", meaning)[0]).rstrip(".:")
        told = f"# {sentence}. Default: {default}.".replace("`", "")
        parts.append(f"{told}\n#{name}={only[1] if only else ''}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    EXAMPLE.write_text(example(SETTINGS.read_text()))
    sys.stdout.write(f"wrote {EXAMPLE.name}\n")
