"""Ordering keys: deliveries that a handler with `serialize` wants are processed one at a time, oldest first.

A key is a repository, or a pull request or issue of it. The claim gives each delivery its key by the rules
here, and the unique index `delivery_processing_key` lets one delivery of a key be in processing. Those behind
it wait outside the index of due rows, and the settlement of a delivery makes the next one of its key due.
"""

import json
from collections.abc import Iterable

from handlers import Handler
from processing import statements


def rules(handlers: Iterable[Handler]) -> str:
    """Return which deliveries these handlers want ordered, as JSON for the claim.

    A rule names an event, an action or null for all, and whether the key is the pull request or issue.
    A delivery has one key. Where handlers of one event ask for both kinds, all rules order by repository,
    which includes the order by pull request and issue.
    """
    found = {
        (handler.event.event, action, handler.serialize != "repository")
        for handler in handlers
        if handler.serialize
        for action in (handler.actions or {None})
    }
    kinds = {(event, by_number) for event, _, by_number in found}
    both = len(kinds) > len({event for event, _ in kinds})
    return json.dumps(
        [
            {"event": event, "action": action, "by_number": by_number and not both}
            for event, action, by_number in sorted(found, key=str)
        ]
    )


def unblock(keys: Iterable[str | None]) -> int:
    """Make the oldest delivery of each of these ordering keys due; return how many were waiting.

    Runs after every commit that frees a key, and after every claim that found a key taken: whichever of the
    two commits last sees what the other did.
    """
    found = sorted({key for key in keys if key is not None})
    return len(statements.execute("unblock", {"keys": found})) if found else 0


def repair() -> int:
    """Run `unblock` for all ordering keys, in case a process ended between its commit and `unblock`."""
    return unblock(key for (key,) in statements.execute("blocked_keys", {}))
