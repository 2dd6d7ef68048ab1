"""Generates the settings from the docstrings below the lines that read the environment."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import settings
from configuration import secrets
from dev.reference.markdown import code, one_line, table

FILE = "_FILE"
KINDS = {"str": "text", "int": "number", "float": "number", "bool": "switch", "list": "list"}
# The modules that read the environment, with the processes that load them.
MODULES = {"settings.py": "all", "console/settings.py": "console, commands"}
DEFAULT = re.compile(r" Default: (.+)\.$")
HEAD = """\
# The settings of Hookkeeper with their defaults. Copy this file to `.env`, which git ignores, and load it
# into the environment before `make run` or a command, which read no file: set -a; . ./.env; set +a
# docs/reference/settings.md says more about each. Written by `python -m dev.reference`.
"""


class Variable(NamedTuple):
    """A row of the table."""

    name: str
    kind: str
    default: str
    """Markdown; empty for none."""
    read_by: str
    meaning: str
    has_file: bool = False
    """The variable with the suffix `_FILE` is the path of a file with the value."""


# Read by uvicorn alone.
UVICORN = Variable(
    "UVICORN_HOST",
    "text",
    "`0.0.0.0` in the Procfile, `127.0.0.1` under `make run`",
    "receiver, console",
    "The address to bind to. `::` is every IPv6 address, and with one process no IPv4 address.",
)


def variables() -> list[Variable]:
    """Return all variables: secrets of webhooks, then in the order of their reading, then uvicorn's.

    Raises `ValueError` for one without a docstring.
    """
    found = list(_of_secrets())
    files = set()
    for module, read_by in MODULES.items():
        for value, meaning in _documented(settings.BASE_DIR / module).values():
            for call in (each for each in ast.walk(value) if isinstance(each, ast.Call) and _reads(each)):
                name = ast.literal_eval(call.args[0])
                if name.endswith(FILE):
                    files.add(name.removesuffix(FILE))
                elif not meaning:
                    raise ValueError(f"{module} reads {name} without a docstring")
                else:
                    found.append(_variable(name, call, read_by, meaning))
    return [*(each._replace(has_file=each.has_file or each.name in files) for each in found), UVICORN]


def _of_secrets() -> Iterator[Variable]:
    documented = _documented(Path(secrets.__file__))
    for name in ("NAME", "OF_SOURCE"):
        value, meaning = getattr(secrets, name), documented[name][1]
        yield Variable(value, "text", "", "receiver, commands", meaning, has_file=True)


def _variable(name: str, call: ast.Call, read_by: str, meaning: str) -> Variable:
    kind = KINDS[ast.unparse(call.func).removeprefix("env.")]
    stated = DEFAULT.search(meaning)
    default = stated[1] if stated else _default(ast.literal_eval(call.args[1]))
    return Variable(name, kind, default, read_by, DEFAULT.sub("", meaning))


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        value = ",".join(value)
    return code(f"{value:g}" if isinstance(value, float) else str(value)) if value else ""


def _documented(path: Path) -> dict[str, tuple[ast.expr, str]]:
    """Return the value of each assignment of a module, and the docstring below it or an empty text."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        body = getattr(node, "body", None)
        for statement, after in pairwise([*body, None] if isinstance(body, list) else []):
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
                text = after.value if isinstance(after, ast.Expr) else None
                meaning = text.value if isinstance(text, ast.Constant) else ""
                found[ast.unparse(target)] = statement.value, one_line(str(meaning))
    return found


def _reads(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "env"


def blocks() -> dict[str, str]:
    """Return the table of the page."""
    rows = [
        (
            code(each.name) + (f", {code(each.name + FILE)}" if each.has_file else ""),
            each.kind, each.default or "none", each.read_by, each.meaning,
        )
        for each in variables()
    ]  # fmt: skip
    return {"settings": table(("variable", "type", "default", "read by", "meaning"), rows)}


def example() -> str:
    """Return the text of `.env.example`: each variable with the first sentence of its meaning."""
    parts = [HEAD]
    for each in variables():
        only = re.fullmatch(r"`([^`]+)`", each.default)
        first = re.split(r"(?<=[.:]) ", each.meaning)[0].rstrip(".:")
        sentence = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", first)
        line = f"# {sentence}. Default: {each.default or 'none'}.".replace("`", "")
        parts.append(f"{line}\n#{each.name}={only[1] if only else ''}\n")
        if each.has_file:
            parts[-1] += f"#{each.name}{FILE}=\n"
    return "\n".join(parts)
