"""Concurrent handlers are written in few statements; each fails alone, and none deadlocks."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

import pytest
from django.db import IntegrityError, connection

from database import row_sets
from records.models import Commit, InstallationRepository, Issue, PullRequest, Push, PushCommit, Ref
from tests import beside, github, servers
from tests.handlers import context
from tests.processes import ROOT
from tests.records.deliveries import edited, handle, pushed

pytestmark = pytest.mark.django_db(transaction=True)

# Payload to event, and the part whose id distinguishes records.
CASES = {
    "check_suite__completed": ("check_suite", "check_suite"),
    "workflow_job__completed": ("workflow_job", "workflow_job"),
    "status__success": ("status", ""),
    "deployment_status__created_success": ("deployment_status", "deployment_status"),
    "commit_comment__created": ("commit_comment", "comment"),
    "discussion__answered": ("discussion", "discussion"),
    "label__edited": ("label", "label"),
    "milestone__closed": ("milestone", "milestone"),
    "fork__copied": ("fork", "forkee"),
    "star__created": ("star", "sender"),
    "member__added": ("member", "member"),
}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which each statement for many rows is added."""
    made: list[str] = []
    execute = row_sets.execute

    def counting(sql: str, values: Any) -> list[row_sets.Row]:
        made.append(sql)
        return execute(sql, values)

    monkeypatch.setattr(row_sets, "execute", counting)
    return made


async def test_a_hundred_pushes_are_as_many_statements_as_one(statements: list[str]) -> None:
    await handle(pushed(1, ["a" * 40]))
    of_one = len(statements)
    statements.clear()
    sha = (f"{number:040x}" for number in count())
    pushes = [pushed(place, [next(sha) for _ in range(5)], repository=2 + place % 7) for place in range(100)]
    assert await asyncio.gather(*map(handle, pushes)) == [
        f"{place % 3} pushed with 5 commits, 5 of them new" for place in range(100)
    ]
    assert len(statements) <= of_one
    assert (await Push.objects.acount(), await PushCommit.objects.acount()) == (101, 501)


async def test_a_push_of_2048_commits_is_as_many_statements_as_a_push_of_one(statements: list[str]) -> None:
    await handle(pushed(1, ["a" * 40]))
    of_one = list(statements)
    statements.clear()
    await handle(pushed(2, [f"{number:040x}" for number in range(2048)], repository=2))
    assert statements == of_one


async def test_a_known_repository_that_shows_nothing_new_is_read_and_not_locked(
    statements: list[str],
) -> None:
    await handle(edited(1))
    statements.clear()
    await asyncio.gather(*(handle(edited(number)) for number in range(2, 50)))
    [read_repositories, read_pull_requests, insert] = statements
    assert "records_repository" in read_repositories
    assert "records_pullrequest" in read_pull_requests
    assert "FOR NO KEY UPDATE" not in read_repositories + read_pull_requests
    assert insert.startswith("INSERT INTO")


async def test_concurrent_snapshots_of_one_record_are_taken_in_as_they_came() -> None:
    minutes = [3, 1, 5, 5, 2]
    notes = await asyncio.gather(*(handle(edited(7, minute)) for minute in minutes))
    decisions = [note.rpartition(" ")[2].strip("()") for note in notes]
    assert decisions == ["written", "unchanged", "written", "unchanged", "unchanged"]
    assert (await PullRequest.objects.aget()).title == "at 5"


@pytest.mark.parametrize(
    ("minute", "decision", "title"), [(3, "(unchanged)", "at 5"), (8, "(written)", "at 8")]
)
async def test_a_record_that_another_worker_inserted_after_the_read_is_merged(
    minute: int, decision: str, title: str
) -> None:
    await handle(edited(7, 5))
    with beside.connected() as other:
        other.execute("CREATE TEMPORARY TABLE inserted AS SELECT * FROM records_pullrequest")
        other.execute("DELETE FROM records_pullrequest")
        other.execute("BEGIN")
        other.execute("INSERT INTO records_pullrequest SELECT * FROM inserted")
        handling = asyncio.ensure_future(handle(edited(7, minute)))
        # It reads no record, and waits with its insert for the end of the other one.
        done, _ = await asyncio.wait({handling}, timeout=0.2)
        assert not done
        other.execute("COMMIT")
        assert (await handling).rpartition(" ")[2] == decision
    assert (await PullRequest.objects.aget()).title == title


async def test_a_commit_that_concurrent_pushes_carry_is_new_to_one_of_them() -> None:
    notes = await asyncio.gather(*(handle(pushed(place, ["a" * 40, "b" * 40])) for place in range(3)))
    assert sorted(note.partition(", ")[2] for note in notes) == [
        "0 of them new",
        "0 of them new",
        "2 of them new",
    ]
    assert (await Commit.objects.acount(), await PushCommit.objects.acount()) == (2, 6)


@pytest.mark.parametrize("other", ["ab", "ba", "c"])
async def test_a_push_that_arrives_twice_at_once_is_one(other: str) -> None:
    pushes = [pushed(1, [letter * 40 for letter in letters]) for letters in ("ab", other)]
    notes = await asyncio.gather(*map(handle, pushes))
    assert {note.partition(" with")[0] for note in notes} == {"1 pushed"}
    commits = set("ab" + other)
    found = (await Push.objects.acount(), await Commit.objects.acount(), await PushCommit.objects.acount())
    assert found == (1, len(commits), len(commits))


async def test_of_fifty_pushes_the_one_that_the_database_refuses_fails_alone() -> None:
    pushes = [pushed(place, [f"{place:040x}"], repository=place % 4) for place in range(50)]
    assert pushes[17].head_commit
    refused = pushes[17].head_commit.model_copy(update={"id": None})
    pushes[17] = pushes[17].model_copy(update={"head_commit": refused})
    outcomes = await asyncio.gather(*map(handle, pushes), return_exceptions=True)
    assert [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, str)] == [17]
    assert isinstance(outcomes[17], IntegrityError)
    assert (await Push.objects.acount(), await Commit.objects.acount()) == (49, 49)


async def test_of_fifty_snapshots_the_one_that_the_database_refuses_fails_alone() -> None:
    snapshots = [edited(number, repository=number % 4) for number in range(1, 51)]
    refused = snapshots[17].pull_request.model_copy(update={"number": -1})
    snapshots[17] = snapshots[17].model_copy(update={"pull_request": refused})
    outcomes = await asyncio.gather(*map(handle, snapshots), return_exceptions=True)
    assert [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, str)] == [17]
    assert isinstance(outcomes[17], IntegrityError)
    assert await PullRequest.objects.acount() == 49


async def installed(installation: int, count: int) -> None:
    payload = github.payload("installation__created")
    payload["installation"]["id"] = installation
    first = 1000 * installation
    payload["repositories"] = [
        {"id": first + place, "full_name": f"harbour-works/{first + place}"} for place in range(count)
    ]
    await context.handle("installation", payload)


async def test_an_installation_on_a_thousand_repositories_is_as_many_statements_as_on_one(
    statements: list[str],
) -> None:
    await installed(1, 1)
    of_one = list(statements)
    statements.clear()
    await installed(2, 1000)
    assert statements == of_one
    assert await InstallationRepository.objects.acount() == 1001


@pytest.mark.parametrize("case", CASES)
async def test_fifty_records_of_a_kind_at_once_are_as_many_statements_as_one(
    case: str, statements: list[str]
) -> None:
    event, part = CASES[case]
    payloads = [github.payload(case) for _ in range(51)]
    for place, payload in enumerate(payloads):
        found = payload[part] if part else payload
        name = next(name for name in ("number", "id") if name in found)
        found[name] = 500 + place
    await context.handle(event, payloads[0])
    of_one = len(statements)
    statements.clear()
    await asyncio.gather(*(context.handle(event, payload) for payload in payloads[1:]))
    assert len(statements) <= of_one


WORKERS = 2
ROUNDS = servers.examples(2, 4)


@contextmanager
def worker(seed: int, log: Path, database_url: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run a process that writes the same rows as others; yield its standard input and output."""
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.records.deliveries", str(seed), str(ROUNDS)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            bufsize=1,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout
    assert process.returncode == 0, log.read_text()


@pytest.mark.counts
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_processes_that_write_the_same_rows_at_the_same_time_do_not_deadlock(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "workers.log"
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(seed, log, database_url)) for seed in range(WORKERS)]
        for _ in range(ROUNDS):
            for _, answers in workers:
                assert answers.readline() == "ready\n", log.read_text()
            for orders, _ in workers:
                orders.write("go\n")
    assert log.read_text() == ""
    counted = [model._default_manager.count() for model in (Push, Commit, PullRequest, Issue, Ref)]
    assert counted == [WORKERS * 60, ROUNDS * 3 * 400, 300, ROUNDS * 300, WORKERS * 3]
