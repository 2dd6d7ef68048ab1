"""Handle the history of one record in every order, and with deliveries repeated."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

from django.db import models

from tests import github
from tests.handlers.context import handle

Payload = dict[str, Any]


def payloads(*cases: str) -> list[tuple[str, Payload]]:
    """Return the project's own payloads, each with its event."""
    return [(case.partition("__")[0], github.payload(case)) for case in cases]


async def end_of(model: type[models.Model], history: Sequence[tuple[str, Payload]]) -> Payload:
    """Delete all rows, handle a history, and return the one row that it leaves, by field."""
    await model._default_manager.all().adelete()
    for event, payload in history:
        await handle(event, payload)
    return await _row(model)


async def _row(model: type[models.Model]) -> Payload:
    [row] = [row async for row in model._default_manager.values()]
    return {name: value for name, value in row.items() if name not in {"id", "changes"}}


async def end_in_every_order(model: type[models.Model], history: Sequence[tuple[str, Payload]]) -> Payload:
    """Return the row that a history leaves. Assert that each order leaves it, and repetitions too."""
    expected = await end_of(model, history)
    for order in permutations(range(len(history))):
        found = await end_of(model, [history[place] for place in order])
        assert found == expected, f"in the order {order}"
        for again in (order[0], order[-1]):
            await handle(*history[again])
            assert await _row(model) == expected, f"in the order {order}, and then {again} again"
    return expected
