"""Filters and tags of the console's templates."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from console import escaping
from ledger.filters import Filter
from ledger.summary import span
from ledger.unmatched import PERIOD
from receiver.models import Status

register = template.Library()
Value = TypeVar("Value")

# Characters. A message of a commit can have megabytes; the API has all of it.
LONGEST_VALUE = 20_000

_CODE = re.compile("`([^`]*)`")


@register.filter
def visible(text: object) -> SafeString:
    """Show text from outside; see `console.escaping`."""
    return escaping.visible(text)


@register.filter
def with_code(text: object) -> SafeString:
    """Show text whose parts between backticks are code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escaping.visible(text)))  # noqa: S308 - it is escaped


@register.filter
def plain(text: object) -> str:
    """Show text from outside where no markup is possible, as in a title."""
    return escaping.plain(text)


@register.simple_tag
def adding(chosen: Filter, name: str, value: object) -> str:
    """Return the query of a URL with one filter added or replaced."""
    return chosen.adding(name, str(value))


@register.filter
def at(mapping: Mapping[object, Value], key: object) -> Value | None:
    """Return what a mapping holds under a key, and None for nothing."""
    return mapping.get(key)


@register.filter
def without(chosen: Filter, name: str) -> str:
    """Return the query of a URL without one of the filters."""
    return chosen.without(name)


@register.simple_tag
def ignored_query(event: str, action: str = "") -> str:
    """Return the query of the URL that lists as many ignored deliveries as are counted."""
    chosen = {"status": Status.IGNORED.value, "since": f"{PERIOD.days}d", "event": event}
    return urlencode(chosen | ({"action": action} if action else {}))


@register.simple_tag
def moment(when: datetime | None, now: datetime) -> SafeString:
    """Show a time relative to `now`, with the exact one in a tooltip; a script adds the local time to it."""
    if when is None:
        return SafeString("")
    seconds = (now - when).total_seconds()
    relative = f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"
    exact = when.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        exact.isoformat(),
        f"{exact:%Y-%m-%d %H:%M:%S}",
        relative,
    )


@register.simple_tag
def value(cell: object, now: datetime, longest: int = LONGEST_VALUE) -> SafeString:
    """Show a column of a record: a time as `moment` does, else the first `longest` characters of its text."""
    if isinstance(cell, datetime):
        return moment(cell, now)
    if isinstance(cell, bool):
        return escaping.visible("yes" if cell else "no")
    text = ", ".join(map(str, cell)) if isinstance(cell, list) else "" if cell is None else str(cell)
    return escaping.visible(text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)")


@register.filter
def heading(column: str) -> str:
    """Show the name of a column."""
    return column.removesuffix("_at").replace("_", " ").capitalize()


@register.filter
def grouped(number: int) -> str:
    """Show a number with its thousands apart."""
    return f"{number:,}"


@register.filter
def duration(seconds: float | None) -> str:
    """Show a length of time in the unit that fits it."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"
