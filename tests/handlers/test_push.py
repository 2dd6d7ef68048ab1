"""Pushes end as a Push, its Commits, and which carried which."""

import pytest

from records.models import Commit, Push, PushCommit
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_push_and_its_commits_are_written_field_by_field() -> None:
    await handle_cases("push__branch")
    payload = github.payload("push__branch")
    push = await Push.objects.aget()
    assert {
        name: getattr(push, name) for name in ("ref", "before", "after", "forced", "created", "deleted")
    } == {name: payload[name] for name in ("ref", "before", "after", "forced", "created", "deleted")}
    assert push.pusher == "ada-quay"
    assert push.pushed_at.timestamp() == payload["repository"]["pushed_at"]
    for commit in payload["commits"]:
        row = await Commit.objects.aget(sha=commit["id"])
        assert (row.message, row.author_name, row.author_email) == (
            commit["message"], commit["author"]["name"], commit["author"]["email"],
        )  # fmt: skip
    assert (
        await Commit.objects.aget(message__startswith="Correct")
    ).committed_at.isoformat() == "2026-05-04T09:41:10+00:00"


async def test_the_same_push_twice_leaves_the_same_rows() -> None:
    notes = await handle_cases("push__branch", "push__branch")
    assert notes == ["main pushed with 3 commits, 3 of them new", "main pushed with 3 commits, 0 of them new"]
    assert (
        await Push.objects.acount(),
        await Commit.objects.acount(),
        await PushCommit.objects.acount(),
    ) == (1, 3, 3)


async def test_the_same_move_at_another_time_is_another_push() -> None:
    payload = github.payload("push__branch")
    await handle("push", payload)
    payload["repository"]["pushed_at"] += 60
    await handle("push", payload)
    assert (await Push.objects.acount(), await Commit.objects.acount()) == (2, 3)


async def test_a_commit_that_is_not_distinct_is_recorded_all_the_same() -> None:
    await handle_cases("push__commit_not_distinct")
    assert await Commit.objects.acount() == 2
    assert [
        place async for place in PushCommit.objects.values_list("position", flat=True).order_by("position")
    ] == [0, 1]


async def test_a_commit_that_two_pushes_carry_is_one_row() -> None:
    await handle_cases("push__branch", "push__commit_not_distinct")
    shared = await Commit.objects.aget(message__startswith="Round heights")
    assert await shared.pushes.acount() == 2
    assert await Commit.objects.acount() == 4


@pytest.mark.parametrize(
    ("case", "flags", "note"),
    [
        ("push__branch_created", ("created",), "neap-tides created with 0 commits, 0 of them new"),
        ("push__branch_deleted", ("deleted",), "neap-tides deleted"),
        ("push__branch_forced", ("forced",), "main forced to 0 commits, 0 of them new"),
        ("push__tag_annotated", ("created",), "refs/tags/v1.4.0 created with 0 commits, 0 of them new"),
    ],
)
async def test_a_created_deleted_or_forced_ref_is_written_as_such(
    case: str, flags: tuple[str, ...], note: str
) -> None:
    assert await handle_cases(case) == [note]
    push = await Push.objects.aget()
    assert {name for name in ("created", "deleted", "forced") if getattr(push, name)} == set(flags)


async def test_an_author_without_account_email_or_name_is_recorded() -> None:
    await handle_cases("push__author_without_account")
    commit = await Commit.objects.aget()
    assert (commit.author_name, commit.author_email) == ("", "scanner at archive")


async def test_text_that_a_database_cannot_hold_is_recorded_escaped() -> None:
    await handle_cases("push__text_not_storable")
    assert (await Commit.objects.aget()).message == "NUL \\u0000 and a lone surrogate \\ud83c in one message"


async def test_a_push_of_2048_commits_is_recorded_whole() -> None:
    payload = github.payload("push__branch")
    [template, *_] = payload["commits"]
    payload["commits"] = [
        {**template, "id": f"{number:040x}", "message": "é" * 1000} for number in range(2048)
    ]
    assert await handle("push", payload) == "main pushed with 2048 commits, 2048 of them new"
    order = PushCommit.objects.order_by("position").values_list("commit__sha", flat=True)
    assert [sha async for sha in order] == [f"{number:040x}" for number in range(2048)]
