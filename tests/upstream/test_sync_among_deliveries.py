"""Sync while deliveries arrive in every order: the records are the newest."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.models import Issue, PullRequest, Ref, Repository, WorkflowRun
from tests import fake_github, github, servers
from tests.fake_github import repository as fakes
from tests.fake_github.repository import stamp
from tests.handlers.context import handle
from tests.upstream.conftest import BACKOFF
from tests.upstream.test_sync import run
from upstream.client import Client
from upstream.credentials import Credentials
from upstream.session import Session
from upstream.sync import Sync

# On SQLite, the other syncs run.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("sqlite")]

CAT = {"id": 1296269, "full_name": "octo/cat", "html_url": "https://github.com/octo/cat"}
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Change:
    """Something that happened to a record, and when."""

    kind: str
    value: int
    at: datetime
    before: int

    @property
    def sha(self) -> str:
        return f"{self.value:040x}"

    def show(self, cat: fakes.Repository) -> None:
        """Make the fake show the state after it."""
        if self.kind == "issue":
            cat.issue(1, self.at, title=f"{self.value}")
        elif self.kind == "pull":
            cat.pull(2, self.at, title=f"{self.value}")
        elif self.kind == "run":
            cat.run(3, self.at, status="in_progress", conclusion=None, name=f"{self.value}")
        else:
            cat.refs["refs/heads/main"], cat.pushed_at = self.sha, self.at

    async def deliver(self) -> None:
        """Handle the delivery of it."""
        name, part = {
            "issue": ("issues__edited", "issue"),
            "pull": ("pull_request__edited", "pull_request"),
            "run": ("workflow_run__in_progress", "workflow_run"),
            "push": ("push__branch", ""),
        }[self.kind]
        payload = github.payload(name)
        payload["repository"] |= CAT
        if self.kind == "push":
            payload |= {"before": f"{self.before:040x}", "after": self.sha, "ref": "refs/heads/main"}
            payload["repository"]["pushed_at"] = int(self.at.timestamp())
        else:
            payload |= {"changes": {}} if self.kind != "run" else {}
            payload[part] |= {"updated_at": stamp(self.at)} | self._fields()
        await handle(name.partition("__")[0], payload)

    def _fields(self) -> dict[str, Any]:
        if self.kind == "run":
            return {"id": 3, "run_attempt": 1, "name": f"{self.value}"}
        return {"number": 1 if self.kind == "issue" else 2, "title": f"{self.value}"}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Draw changes before and after the reading, each with the seconds since the one before it.

    Within a second, nothing but the reading can tell which of two edits was the later one.
    """
    tied = st.tuples(st.sampled_from(["issue", "pull", "push"]), st.sampled_from([0, 0, 1]))
    a_run = st.tuples(st.just("run"), st.integers(1, 2))
    before = draw(st.lists(tied | a_run, min_size=1, max_size=6))
    later = st.tuples(st.sampled_from(["issue", "pull", "push", "run"]), st.integers(1, 2))
    return before, draw(st.lists(later, max_size=3))


def dated(drawn: list[tuple[str, int]], start: datetime, first: int) -> list[Change]:
    at, found, last = start, [], dict[str, int]()
    for value, (kind, seconds) in enumerate(drawn, first):
        at += timedelta(seconds=seconds)
        found.append(Change(kind, value, at, last.get(kind, 0)))
        last[kind] = value
    return found


async def ends() -> dict[str, str]:
    """Return what the records say, by kind; remove them."""
    found: dict[str, str] = {}
    for kind, rows in (
        ("issue", Issue.objects.values_list("title", flat=True)),
        ("pull", PullRequest.objects.values_list("title", flat=True)),
        ("run", WorkflowRun.objects.values_list("name", flat=True)),
        ("push", Ref.objects.values_list("head_sha", flat=True)),
    ):
        async for value in rows:
            found[kind] = str(int(value, 16)) if kind == "push" else str(value)
    await Repository.objects.all().adelete()
    return found


@given(history=histories(), data=st.data())
@settings(
    max_examples=servers.examples(10, 150), deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_the_records_are_the_newest_in_every_order(
    history: tuple[list[tuple[str, int]], list[tuple[str, int]]], data: st.DataObject
) -> None:
    asyncio.run(_check(history, data))


async def _check(history: tuple[list[tuple[str, int]], list[tuple[str, int]]], data: st.DataObject) -> None:
    with fake_github.running() as fake:
        cat, now = fakes.Repository(fake), fake.moment().replace(microsecond=0)
        before = dated(history[0], now - HOUR, 1)
        after = dated(history[1], now + HOUR, 1 + len(before))
        for change in before:
            change.show(cat)
        session = Session(backoff=BACKOFF)
        sync = Sync(Client(Credentials(fake_github.TOKEN), session, fake.url))
        # GitHub may have lost any of those before the reading, and none of those after it.
        arriving = [*after, *(change for change in before if data.draw(st.booleans()))]
        acts: list[Callable[[], Awaitable[object]]] = [change.deliver for change in arriving]
        acts.insert(0, lambda: run(sync))
        for act in data.draw(st.permutations(acts)):
            await act()
        newest = {change.kind: str(change.value) for change in [*before, *after]}
        assert await ends() == newest
        await sync.client.close()
