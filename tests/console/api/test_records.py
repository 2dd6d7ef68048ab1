"""Records, rejections and workers in the API."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from ledger import heartbeats, operations
from ledger.models import Kind, Operation
from receiver.models import Rejection, RejectionCount, Status
from records.models import Commit, Issue, PullRequest, Repository
from tests.console.api.conftest import Programs
from tests.console.api.programs import items, problem
from tests.console.kept import kept
from upstream.models import Missed, MissedState, WatchedHook


@pytest.fixture
def repository(api: Programs) -> Repository:
    return Repository.objects.create(server="github.com", github_id=2**60, full_name="octo/cat")


def pull(repository: Repository, number: int, state: str = "open") -> PullRequest:
    return PullRequest.objects.create(
        repository=repository, number=number, title="A title", state=state, head_ref="fix", base_ref="main",
        labels=["bug"], updated_at=timezone.now(),
    )  # fmt: skip


def test_records_are_listed_newest_first_by_their_filters(api: Programs, repository: Repository) -> None:
    other = Repository.objects.create(server="github.com", github_id=2, full_name="octo/dog")
    ids = [str(pull(repository, number).pk) for number in range(1, 6)]
    pull(repository, 6, "merged")
    pull(other, 1)
    found = api.reader.pages("pulls?repository=Octo/cat&state=open&limit=2")
    assert [item["id"] for item in found] == ids[::-1]
    assert (found[0]["repository"], found[0]["labels"]) == ("octo/cat", ["bug"])
    assert items(api.reader.get("pulls?repository=octo/bird")) == []


def test_yes_and_no_filter_too(api: Programs, repository: Repository) -> None:
    for number, gone in ((1, False), (2, True)):
        Issue.objects.create(
            repository=repository, number=number, title="It leaks", deleted=gone, updated_at=timezone.now()
        )
    assert [item["number"] for item in items(api.reader.get("issues?deleted=true"))] == [2]
    assert problem(api.reader.get("issues?deleted=maybe"))["status"] == 422


def test_a_repository_has_the_parts_of_the_consoles_page(api: Programs, repository: Repository) -> None:
    pull(repository, 12)
    answer = api.reader.get(f"repositories/{repository.pk}")
    found = json.loads(answer.body)
    assert found["github_id"] == str(2**60)
    parts = {part["name"]: part for part in found["parts"]}
    assert set(parts) == {"pulls", "issues", "refs", "pushes", "runs", "releases", "hooks", "sync"}
    assert (parts["sync"]["items"], parts["sync"]["error"]) == ([], None)
    [shown] = parts["pulls"]["items"]
    assert (shown["number"], shown["title"]) == (12, "A title")
    assert [item["id"] for item in items(api.reader.get("repositories?name=octo/CAT"))] == [found["id"]]


def test_a_repository_has_its_newest_sync(api: Programs, repository: Repository) -> None:
    def shown() -> dict[str, Any]:
        answer = json.loads(api.reader.get(f"repositories/{repository.pk}").body)
        found: dict[str, Any]
        [found] = answer["parts"][-1]["items"]
        return found

    former, newest, _ = (
        operations.create(Kind.SYNC, {"repository": name, "since": None}, name)
        for name in ("octo/kitten", "Octo/Cat", "octo/dog")
    )
    assert (shown()["id"], shown()["state"]) == (str(newest.pk), "queued")
    assert (shown()["requested_by"], shown()["done"]) == ("Octo/Cat", 0)
    # GitHub has answered: the former name leads to this repository, and its name to one made again.
    for operation, read in ((former, repository.pk), (newest, repository.pk + 1)):
        Operation.objects.filter(pk=operation.pk).update(cursor={"repository": read})
    assert shown()["id"] == str(former.pk)


def test_a_part_that_cannot_be_read_says_so_and_costs_no_other(api: Programs, repository: Repository) -> None:
    pull(repository, 12)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE records_release RENAME TO of_a_test")
    try:
        answer = api.reader.get(f"repositories/{repository.pk}")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE of_a_test RENAME TO records_release")
    assert answer.status == 200
    parts = {part["name"]: part for part in json.loads(answer.body)["parts"]}
    assert parts["releases"]["items"] is None
    assert parts["releases"]["error"]
    assert len(parts["pulls"]["items"]) == 1


def test_text_that_json_cannot_hold_as_utf_8_is_answered(api: Programs, repository: Repository) -> None:
    Commit.objects.create(repository=repository, sha="a" * 40, message='\u202e<script>"\ud7ff\U0010ffff')
    [commit] = items(api.reader.get(f"commits?sha={'a' * 40}"))
    assert commit["message"] == '\u202e<script>"\ud7ff\U0010ffff'


def test_rejections_are_listed_and_counted(api: Programs) -> None:
    now = timezone.now()
    for number in range(3):
        Rejection.objects.create(at=now, reason="busy", status=503, detail=str(number), size=1)
    Rejection.objects.create(at=now, reason="wrong secret", status=403, detail="", size=1)
    found = api.reader.pages("rejections?reason=busy&limit=2")
    assert [item["detail"] for item in found] == ["2", "1", "0"]
    RejectionCount.objects.create(day=now.date(), reason="busy", count=3)
    RejectionCount.objects.create(day=now.date() - timedelta(days=9), reason="busy", count=5)
    # Receivers of other tests may count what they refused later than these tests end.
    counts = items(api.reader.get("rejections/counts"))
    assert [item["count"] for item in counts if item["reason"] == "busy"] == [3]


def test_events_that_no_handler_wanted_are_listed(api: Programs) -> None:
    row = kept("issues__opened", action="opened", status=Status.IGNORED, finished_at=timezone.now())
    [found] = items(api.reader.get("unmatched"))
    assert (found["event"], found["number"], found["newest_id"]) == ("issues", 1, str(row.pk))


def test_workers_are_those_that_beat(api: Programs, redis: Redis) -> None:
    beat = {
        "worker": "one:1:abc", "since": "2026-11-25T12:00:00+00:00", "at_work": 1, "running": {"7": 1.5},
    }  # fmt: skip
    redis.zadd(heartbeats.NAMES, {"one:1:abc": 1})
    redis.set(f"{heartbeats.KEY}one:1:abc", json.dumps(beat))
    [found] = items(api.reader.get("workers"))
    assert found["running"] == [{"delivery": "7", "seconds": 1.5}]


def test_what_github_says_now_is_left_out_with_its_reason(api: Programs, repository: Repository) -> None:
    assert json.loads(api.reader.get(f"repositories/{repository.pk}").body)["live"] is None
    found = json.loads(api.reader.get(f"repositories/{repository.pk}?live=true").body)["live"]
    assert found["open_issues"] is None
    assert "GITHUB_API_URL is not the API of github.com" in found["error"]


def test_missed_deliveries_are_listed_with_what_became_of_them(api: Programs) -> None:
    now = timezone.now()
    watched = WatchedHook.objects.create(hook_id=2**60, kind="repository", name="octo/cat")
    for state in MissedState.values:
        Missed.objects.create(
            watched=watched, guid=uuid4(), hook_id=2**60, attempt=1, event="push", delivered_at=now,
            found_at=now, state=state,
        )  # fmt: skip
    [lost] = items(api.reader.get("missed?state=lost"))
    assert (lost["hook"], lost["hook_id"], lost["state"]) == ("octo/cat", str(2**60), "lost")
    assert len(api.reader.pages("missed?limit=1")) == len(MissedState.values)
