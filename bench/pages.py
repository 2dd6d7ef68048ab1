"""Asks the console's application for its pages in this process, and counts statements and seconds of each.

`python -m bench.pages ROUNDS` prints a line of JSON for each page. It needs the environment of a
console. A round before the first is not counted. The time is the server's: everything but uvicorn and
the network.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import django

NAME = "pages of the benchmark"
FILTERS = (
    "status=succeeded", "status=dead", "status=ignored", "status=invalid", "status=retrying", "event=push",
    "event=rare", "action=opened", "action=rare", "repository=harbour-works/tide-tables-7", "number=4",
    "sender=person-7", "sender=rare", "source=-", "source=acme", "source=rare", "hook=107", "hook=999",
    "handler=push.record", "handler=rare.record", "error=route", "error=nothing+like+it", "since=24h",
    "until=24h",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """The answers to one page: seconds of each, and the most statements of one."""

    name: str
    seconds: list[float]
    statements: int


class Statements:
    """Counts the statements of all threads."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count every statement that Django runs until the context ends."""
        from django.db.backends.utils import CursorWrapper  # noqa: PLC0415 - needs settings

        original = CursorWrapper.execute

        def execute(cursor: Any, sql: Any, params: Any = None) -> Any:
            self.number += 1
            return original(cursor, sql, params)

        CursorWrapper.execute = execute  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            CursorWrapper.execute = original  # type: ignore[method-assign]


async def ask(rounds: int) -> list[Page]:
    """Request each page the same number of times, in turn, as a signed-in operator."""
    from django.contrib.auth.models import Group, User  # noqa: PLC0415 - needs settings
    from django.test import AsyncClient  # noqa: PLC0415

    from receiver.models import Delivery  # noqa: PLC0415

    user, _ = await User.objects.aget_or_create(username=NAME)
    await user.groups.aadd(await Group.objects.aget(name="operator"))
    client, statements = AsyncClient(), Statements()
    await client.aforce_login(user, "django.contrib.auth.backends.ModelBackend")
    row = await Delivery.objects.only("guid").order_by("-pk").afirst()
    one = {"detail": f"/deliveries/{row.pk}", "guid": f"/deliveries?guid={row.guid}"} if row else {}
    pages = {"overview": "/", "list": "/deliveries", "refresh": "/deliveries", **one}
    pages |= {name: f"/deliveries?{name}" for name in FILTERS} | {"sha": "/search?q=abcdef1"}
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    most = dict.fromkeys(pages, 0)
    with statements.counted():
        for number in range(rounds + 1):
            for name, path in pages.items():
                before, begin = statements.number, time.perf_counter()
                headers = {"HX-Request": "true"} if name == "refresh" else {}
                response = await client.get(path, headers=headers)
                took = time.perf_counter() - begin
                if response.status_code != 200:
                    raise RuntimeError(f"{path} was answered {response.status_code}")
                most[name] = max(most[name], statements.number - before)
                if number:
                    seconds[name].append(took)
    await user.adelete()
    return [Page(name, seconds[name], most[name]) for name in pages]


def main(rounds: int) -> None:
    """Print the measurements."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    django.setup()
    for page in asyncio.run(ask(rounds)):
        print(json.dumps(asdict(page)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
