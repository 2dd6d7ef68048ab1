"""The workload of the workers: equal shares of pushes of 1, 5 and 20 commits, pull requests and issues.

It is made from the project's samples and the same in every run: delivery `number` always has the same bytes.
Shas and numbers are distinct and spread over repositories, so that every record is a row of its own.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from bench.delivery import PAYLOADS, dump

Payload = dict[str, Any]

REPOSITORIES = 50
COMMITS = (1, 5, 20)
FIRST_REPOSITORY_ID = 810_200_300
PUSHED_AT = 1_777_888_803  # seconds since 1970, of the first push; each has its own


@dataclass(frozen=True)
class Item:
    """One delivery of the workload."""

    guid: UUID
    event: str
    body: bytes


def deliveries(first: int, count: int) -> Iterator[Item]:
    """Yield the deliveries `first` to `first + count - 1`."""
    for number in range(first, first + count):
        event, make = KINDS[number % len(KINDS)]
        guid = UUID(bytes=hashlib.sha1(b"%d" % number, usedforsecurity=False).digest()[:16], version=4)
        yield Item(guid, event, dump(make(number)))


def records(count: int) -> Mapping[str, int]:
    """Return the number of rows of each kind after the first `count` deliveries."""
    found: Counter[str] = Counter({"deliveries": count, "pushes": 0, "commits": 0})
    for place, (event, _) in enumerate(KINDS):
        times = len(range(place, count, len(KINDS)))
        if event == "push":
            found["pushes"] += times
            found["commits"] += times * COMMITS[place]
        else:
            found["pull requests" if event == "pull_request" else "issues"] += times
    return found


def _push(commits: int) -> Callable[[int], Payload]:
    sample = _sample("push__branch")
    samples = sample["commits"]

    def make(number: int) -> Payload:
        made = [
            {**samples[place % len(samples)], "id": _sha(number, place), "tree_id": _sha(number, -1 - place)}
            for place in range(commits)
        ]
        return {
            **sample,
            "before": _sha(number - 1, commits),
            "after": made[-1]["id"],
            "commits": made,
            "head_commit": made[-1],
            "repository": {**_repository(sample, number), "pushed_at": PUSHED_AT + number},
        }

    return make


def _numbered(case: str, name: str) -> Callable[[int], Payload]:
    sample = _sample(case)

    def make(number: int) -> Payload:
        distinct = {"id": 1_900_000_000 + number, "number": number + 1}
        changed = {**sample, name: {**sample[name], **distinct}, "repository": _repository(sample, number)}
        return {**changed, "number": number + 1} if "number" in sample else changed

    return make


def _repository(sample: Payload, number: int) -> Payload:
    # All kinds in turn have one repository, so that every repository gets all of them.
    which = number // len(KINDS) % REPOSITORIES
    name = f"tide-tables-{which}"
    return {
        **sample["repository"],
        "id": FIRST_REPOSITORY_ID + which,
        "name": name,
        "full_name": f"harbour-works/{name}",
    }


def _sha(number: int, place: int) -> str:
    return hashlib.sha1(f"{number} {place}".encode(), usedforsecurity=False).hexdigest()


@cache
def _sample(case: str) -> Payload:
    found: Payload = json.loads((PAYLOADS / f"{case}.json").read_bytes())
    return found


KINDS: tuple[tuple[str, Callable[[int], Payload]], ...] = (
    *(("push", _push(commits)) for commits in COMMITS),
    ("pull_request", _numbered("pull_request__opened", "pull_request")),
    ("issues", _numbered("issues__opened", "issue")),
)
