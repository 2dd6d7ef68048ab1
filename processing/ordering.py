"""Ordering keys: deliveries that a handler with `serialize` wants are processed one at a time, oldest first.

A key is a repository, or a pull request or issue of it. The claim gives each delivery its key by the rules
here, and the unique index `delivery_processing_key` lets one delivery of a key be in processing. Those behind
it wait outside the index of due rows, and the settlement of a delivery makes the next one of its key due.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from handlers import Handler
from processing import statements


class Rule(NamedTuple):
    """Deliveries of this event, and of this action unless it is None, are ordered."""

    event: str
    action: str | None
    by_number: bool
    """Whether the key is the pull request or issue, and not the repository."""


def rules(handlers: Iterable[Handler]) -> list[Rule]:
    """Return the rules that these handlers ask for.

    A delivery has one key. Where handlers of one event ask for both kinds, all rules order by repository,
    which includes the order by pull request and issue.
    """
    found = {
        Rule(handler.event.event, action, by_number=handler.serialize != "repository")
        for handler in handlers
        if handler.serialize
        for action in (handler.actions or {None})
    }
    both = {rule.event for rule in found if rule.by_number} & {
        rule.event for rule in found if not rule.by_number
    }
    if both:
        found = {rule._replace(by_number=False) for rule in found}
    return sorted(found, key=lambda rule: (rule.event, rule.action or ""))


def as_json(ordered: Sequence[Rule]) -> str:
    """Return the rules as the claim takes them."""
    return json.dumps([rule._asdict() for rule in ordered])


def unblock(keys: Collection[str]) -> int:
    """Make the oldest delivery of each of these ordering keys due; return how many were waiting.

    Runs after every commit that frees a key, and after every claim that found a key taken: whichever of the
    two commits last sees what the other did.
    """
    return len(statements.execute("unblock", {"keys": sorted(keys)})) if keys else 0


def repair() -> int:
    """Run `unblock` for all ordering keys, in case a process ended between its commit and `unblock`."""
    return unblock([found for (found,) in statements.execute("blocked_keys", {}) if found is not None])
