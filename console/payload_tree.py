"""A JSON payload as a tree that folds, in HTML without a script. Pure.

Every text in it is hostile: keys and values go through `escaping.visible`. Depth and number of nodes are
bounded; the raw text shows the rest. A long list hides no key beside it, because a node counts before those
inside it.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NoReturn
from urllib.parse import parse_qsl

from django.utils.safestring import SafeString, mark_safe
from pydantic import JsonValue

from console.escaping import visible

MAX_NODES = 5_000
DEEPEST = 60
# Bytes of a payload that a page shows; the rest is in the download.
MAX_SHOWN = 256 * 1024


class Number(str):
    """A number as it was written: Python would change its digits, or refuse it."""

    __slots__ = ()


def read(body: bytes, content_type: str) -> JsonValue:
    """Return the parsed payload, its numbers as text; raises `ValueError` where it is no JSON."""
    text = body.decode()
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        text = dict(parse_qsl(text)).get("payload", "")
    try:
        found: JsonValue = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def tree(value: JsonValue) -> SafeString:
    """Return the payload as nested lists, each object and array folded but the outermost."""
    return mark_safe("".join(_Tree().render(value)))  # noqa: S308 - every text is escaped below


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


class _Tree:
    """One rendering, which counts its nodes."""

    def __init__(self) -> None:
        self._nodes = 0

    def render(self, value: JsonValue, depth: int = 0, key: str = "") -> Iterator[str]:
        """Yield the HTML of a value after its key."""
        if not isinstance(value, dict | list):
            yield key + _scalar(value)
            return
        brackets = "{}" if isinstance(value, dict) else "[]"
        if not value:
            yield f'{key}<span class="dim">{brackets}</span>'
        elif depth >= DEEPEST:
            yield f'{key}<span class="dim">nested deeper: see the raw text</span>'
        else:
            items = list(value.items() if isinstance(value, dict) else enumerate(value))
            yield f"<details{'' if depth else ' open'}><summary>{key}{_size(value)}</summary><ul>"
            yield from self._items(items, depth)
            yield "</ul></details>"

    def _items(self, items: Sequence[tuple[object, JsonValue]], depth: int) -> Iterator[str]:
        shown = min(len(items), MAX_NODES - self._nodes)
        self._nodes += shown
        for key, value in items[:shown]:
            yield "<li>"
            yield from self.render(value, depth + 1, f'<span class="key">{visible(key)}</span> ')
            yield "</li>"
        if more := len(items) - shown:
            yield f'<li class="dim">{more:,} more: see the raw text</li>'


def _size(value: dict[str, JsonValue] | list[JsonValue]) -> str:
    one, many = ("key", "keys") if isinstance(value, dict) else ("item", "items")
    return f'<span class="dim">{len(value)} {one if len(value) == 1 else many}</span>'


def _scalar(value: JsonValue) -> str:
    if isinstance(value, Number):
        return f'<span class="number-value">{visible(value)}</span>'
    if isinstance(value, str):
        return f'<span class="text-value">{visible(json.dumps(value, ensure_ascii=False))}</span>'
    return f'<span class="word-value">{json.dumps(value)}</span>'
