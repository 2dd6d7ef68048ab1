"""Deliveries as handlers see them, and a process that handles the same ones as others at the same time.

`python -m tests.records.deliveries SEED ROUNDS` prints that it is ready for a round, and starts it when it
reads a line.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from random import Random
from typing import Any

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()

import schemas
from handlers import issues, pull_request, push
from schemas.issues import IssuesEvent
from schemas.pull_request import PullRequestEvent
from schemas.push import PushEvent
from tests import github
from tests.handlers.context import context, events


def read(case: str, repository: int = 1, **parts: Any) -> Any:
    """Return one of the project's payloads as handlers see it, with parts replaced."""
    name, payload = case.partition("__")[0], github.payload(case)
    payload |= parts
    payload["repository"]["id"] = repository
    return events[name].model_validate(payload)


def pushed(place: int, shas: list[str], repository: int = 1) -> PushEvent:
    [template, *_] = github.payload("push__branch")["commits"]
    commits = [{**template, "id": sha} for sha in shas]
    event: PushEvent = read(
        "push__branch", repository, ref=f"refs/heads/{place % 3}", after=f"{place + 1:040x}", commits=commits
    )
    return event


def edited(number: int, minute: int = 0, repository: int = 1) -> PullRequestEvent:
    snapshot = github.payload("pull_request__opened")["pull_request"]
    snapshot |= {"number": number, "title": f"at {minute}", "updated_at": f"2026-05-04T10:{minute:02}:00Z"}
    event: PullRequestEvent = read("pull_request__edited", repository, pull_request=snapshot)
    return event


def issue(number: int, minute: int = 0, repository: int = 1) -> IssuesEvent:
    snapshot = github.payload("issues__opened")["issue"]
    snapshot |= {"number": number, "title": f"at {minute}", "updated_at": f"2026-05-04T10:{minute:02}:00Z"}
    event: IssuesEvent = read("issues__edited", repository, issue=snapshot)
    return event


async def handle(event: schemas.Event) -> str:
    module = {PushEvent: push, PullRequestEvent: pull_request, IssuesEvent: issues}[type(event)]
    delivery = context(event.event)
    await module.record(event, delivery)
    return ", ".join(delivery.notes)


def of_round(seed: str, chance: Random, minute: int) -> list[schemas.Event]:
    """Return the same commits and snapshots for every seed, in an order of its own, with refs of its own.

    Two workers that began with a row of the same ref would take turns from then on.
    """
    deliveries: list[schemas.Event] = []
    for place in range(60):
        first, repository = 20 * (place // 3), place % 3
        shas = [f"{minute:020x}{number % 400:020x}" for number in range(first, first + 60)]
        event = pushed(place, chance.sample(shas, 60), repository)
        deliveries.append(event.model_copy(update={"ref": f"{event.ref}-of-{seed}"}))
    for number in range(300):
        deliveries += [edited(number, minute), issue(1000 * minute + number)]
    chance.shuffle(deliveries)
    return deliveries


def main() -> None:
    chance = Random(sys.argv[1])  # noqa: S311 - it decides nothing but the order
    with asyncio.Runner() as runner:
        for minute in range(int(sys.argv[2])):
            deliveries = of_round(sys.argv[1], chance, minute)
            print("ready", flush=True)  # noqa: T201 - it is answered
            sys.stdin.readline()
            runner.run(handle_all(deliveries))


async def handle_all(deliveries: Sequence[schemas.Event]) -> None:
    await asyncio.gather(*map(handle, deliveries))


if __name__ == "__main__":
    main()
