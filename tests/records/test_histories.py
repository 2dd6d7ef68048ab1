"""The history of a repository ends in the same records, in any order and with repetitions."""

import asyncio
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.forms.models import model_to_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.models import Commit, Issue, PullRequest, Push, PushCommit, Ref, Repository
from tests import github, servers
from tests.handlers.context import handle

# On SQLite, the cases and the ties run in several orders.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("sqlite")]

Delivery = tuple[str, dict[str, Any]]
START = datetime(2026, 5, 4, tzinfo=UTC)
ZEROS = "0" * 40
TEMPLATES = {
    name: github.payload(name)
    for name in (
        "pull_request__opened", "issues__opened", "push__branch", "repository__created",
    )
}  # fmt: skip
repository_ids = count(1)


class World:
    """A repository with one event per second, which writes the payloads that GitHub would send."""

    def __init__(self) -> None:
        self.second = 0
        self.history: list[Delivery] = []
        self.repository = {"full_name": "acme/one", "archived": False, "private": False, "gone": False}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.refs: dict[str, str] = {}
        self.shas = count(1)

    def now(self) -> str:
        return (START + timedelta(seconds=self.second)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def told(self, event: str, template: str, **parts: Any) -> None:
        payload = {**copy.deepcopy(TEMPLATES[template]), **parts}
        payload["repository"] |= {
            "full_name": self.repository["full_name"],
            "name": str(self.repository["full_name"]).partition("/")[2],
            "archived": self.repository["archived"],
            "private": self.repository["private"],
            "updated_at": self.repository.get("updated_at", self.now()),
        }
        self.history.append((event, payload))

    def first(self, known: dict[int, Any], number: int, action: str) -> str:
        """Open an item before its first change, and once only."""
        if number not in known:
            return "opened"
        return "edited" if action == "opened" else action

    def pull_request(self, number: int, action: str) -> None:
        action = self.first(self.pulls, number, action)
        state = self.pulls.setdefault(
            number, {"state": "open", "merged": False, "draft": False, "labels": []}
        )
        if state["merged"] and action in {"closed", "reopened", "merged", "synchronize"}:
            action = "labeled"
        if action == "synchronize":
            state["head"] = {
                **TEMPLATES["pull_request__opened"]["pull_request"]["head"],
                "sha": f"{self.second:040x}",
            }
        elif action == "labeled":
            state["labels"] = [{"name": f"label {self.second}"}]
        elif action == "edited":
            state["title"] = f"title of {self.second}"
        elif action in {"closed", "merged"}:
            state |= {
                "state": "closed",
                "merged": action == "merged",
                "merge_commit_sha": f"{self.second:040x}",
            }
            state["merged_at"] = self.now() if action == "merged" else None
        else:
            state["state"] = "open"
        snapshot = {**TEMPLATES["pull_request__opened"]["pull_request"], **state}
        snapshot |= {"number": number, "updated_at": self.now()}
        told = "closed" if action == "merged" else action
        self.told("pull_request", "pull_request__opened", action=told, pull_request=snapshot)

    def issue(self, number: int, action: str) -> None:
        action = self.first(self.issues, number, action)
        state = self.issues.setdefault(number, {"state": "open", "labels": [], "gone": False})
        if state["gone"]:
            return
        if action in {"closed", "reopened"}:
            state |= {"state": "closed" if action == "closed" else "open", "state_reason": action}
        elif action in {"deleted", "transferred"}:
            state["gone"] = True
        elif action == "edited":
            state |= {"title": f"title of {self.second}", "labels": [{"name": str(self.second)}]}
        # A deletion does not change `updated_at`: the last snapshot has the time of the one before.
        state["updated_at"] = state.get("updated_at", self.now()) if state["gone"] else self.now()
        snapshot = {**TEMPLATES["issues__opened"]["issue"], **state, "number": number}
        moved = {"new_issue": {"number": 77}, "new_repository": {"id": 5, "full_name": "acme/other"}}
        changes = {"changes": moved} if action == "transferred" else {}
        self.told("issues", "issues__opened", action=action, issue=snapshot, **changes)

    def push(self, name: str, action: str) -> None:
        ref, before = f"refs/heads/{name}", self.refs.get(name, ZEROS)
        if action == "delete" and before == ZEROS:
            return
        after = ZEROS if action == "delete" else f"{next(self.shas):040x}"
        self.refs[name] = after
        [template, *_] = TEMPLATES["push__branch"]["commits"]
        carried = {"delete": [], "force": []}.get(action, [f"{self.second // 2:039d}c", after])
        self.told(
            "push", "push__branch", ref=ref, before=before, after=after,
            created=before == ZEROS, deleted=after == ZEROS, forced=action == "force",
            commits=[{**template, "id": sha, "message": f"of {sha}"} for sha in carried],
            head_commit=None if action == "delete" else {**template, "id": after},
        )  # fmt: skip
        pushed_at = int((START + timedelta(seconds=self.second)).timestamp())
        self.history[-1][1]["repository"]["pushed_at"] = pushed_at

    def of_repository(self, action: str) -> None:
        if self.repository["gone"] is not (action == "restored"):
            return
        former = str(self.repository["full_name"])
        self.repository["updated_at"] = self.now()
        changes = {}
        if action == "renamed":
            self.repository["full_name"] = f"acme/name-{self.second}"
            changes = {"changes": {"repository": {"name": {"from": former.partition("/")[2]}}}}
        elif action in {"archived", "unarchived"}:
            self.repository["archived"] = action == "archived"
        elif action in {"privatized", "publicized"}:
            self.repository["private"] = action == "privatized"
        else:
            self.repository["gone"] = action == "deleted"
        self.told("repository", "repository__created", action=action, **changes)


PULL_REQUEST = ("opened", "edited", "synchronize", "labeled", "closed", "reopened", "merged")
ISSUE = ("opened", "edited", "closed", "reopened", "pinned", "unpinned", "deleted", "transferred")
REPOSITORY = ("renamed", "archived", "unarchived", "privatized", "publicized", "deleted", "restored")
Happens = Callable[[World], None]
happenings: dict[str, st.SearchStrategy[Happens]] = {
    "pull requests": st.builds(
        lambda number, action: lambda world: world.pull_request(number, action),
        st.integers(1, 2),
        st.sampled_from(PULL_REQUEST),
    ),
    "issues": st.builds(
        lambda number, action: lambda world: world.issue(number, action),
        st.integers(1, 2),
        st.sampled_from(ISSUE),
    ),
    "pushes": st.builds(
        lambda name, action: lambda world: world.push(name, action),
        st.sampled_from(["main", "next"]),
        st.sampled_from(["push", "force", "delete"]),
    ),
    "the repository": st.builds(
        lambda action: lambda world: world.of_repository(action), st.sampled_from(REPOSITORY)
    ),
}
happenings["all"] = st.one_of(*happenings.values())


@st.composite
def histories(draw: st.DrawFn, happens: st.SearchStrategy[Happens]) -> list[Delivery]:
    world = World()
    for happening in draw(st.lists(happens, min_size=2, max_size=10)):
        world.second += 1
        happening(world)
        for name in draw(st.lists(st.sampled_from(["main", "next"]), max_size=2)):
            # Pushes of one second: a burst, or payloads that GitHub wrote after the last push.
            if name in world.refs:
                world.push(name, "push")
    return world.history


async def deliver(batches: list[list[Delivery]]) -> list[Any]:
    """Deliver to a repository of its own, each batch concurrently; return its records."""
    github_id = next(repository_ids)
    for batch in batches:
        for _, payload in batch:
            payload["repository"]["id"] = github_id
        await asyncio.gather(*(handle(event, payload) for event, payload in batch))
    repository = await Repository.objects.aget(github_id=github_id)
    of_it = {"repository": repository}
    rows: list[Any] = [without_ids(repository)]
    rows += [without_ids(row) async for row in PullRequest.objects.filter(**of_it).order_by("number")]
    rows += [without_ids(row) async for row in Issue.objects.filter(**of_it).order_by("number")]
    rows += [without_ids(row) async for row in Push.objects.filter(**of_it).order_by("pushed_at", "after")]
    rows += [without_ids(row) async for row in Commit.objects.filter(**of_it).order_by("sha")]
    refs = Ref.objects.filter(**of_it).select_related("last_push").order_by("name")
    rows += [(without_ids(row), without_ids(row.last_push)) async for row in refs]
    carried = PushCommit.objects.filter(push__repository=repository)
    return rows + [
        row
        async for row in carried.values_list(
            "push__pushed_at", "push__after", "position", "commit__sha"
        ).order_by("push__pushed_at", "push__after", "position")
    ]


def without_ids(row: Any) -> dict[str, Any]:
    # `moves` and `changes` order later snapshots, and hold what each order needs for that.
    return model_to_dict(
        row, exclude=["id", "github_id", "repository", "last_push", "commits", "moves", "changes"]
    )


@pytest.mark.parametrize("what", happenings)
@given(data=st.data())
@settings(max_examples=servers.examples(5, 30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_every_order_and_with_duplicates_the_records_are_the_same(what: str, data: st.DataObject) -> None:
    history = data.draw(histories(happenings[what]).filter(bool))
    arrivals = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))
    cut = data.draw(st.integers(0, len(arrivals)))
    in_order = asyncio.run(deliver([[delivery] for delivery in copy.deepcopy(history)]))
    at_once, one_by_one = copy.deepcopy((arrivals[:cut], arrivals[cut:]))
    assert asyncio.run(deliver([at_once, *([delivery] for delivery in one_by_one)])) == in_order
