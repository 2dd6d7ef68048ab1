"""A push is recorded as a Push, its Commits, and the link between them."""

from itertools import permutations
from typing import Any

import pytest

from records.models import Commit, Push, PushCommit, Ref
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
    committed_at = (await Commit.objects.aget(message__startswith="Correct")).committed_at
    assert str(committed_at) == "2026-05-04 09:41:10+00:00"


async def test_the_same_push_twice_leaves_the_same_rows() -> None:
    notes = await handle_cases("push__branch", "push__branch")
    assert notes == ["main pushed with 3 commits, 3 of them new", "main pushed with 3 commits, 0 of them new"]
    assert (
        await Push.objects.acount(),
        await Commit.objects.acount(),
        await PushCommit.objects.acount(),
    ) == (1, 3, 3)


async def test_a_push_that_arrives_again_adds_the_commits_that_could_not_be_read_before() -> None:
    payload = github.payload("push__branch")
    last = payload["commits"].pop()
    await handle("push", {**payload, "commits": [*payload["commits"], "unreadable"]})
    assert await PushCommit.objects.acount() == 2
    await handle("push", {**payload, "commits": [*payload["commits"], last]})
    places = PushCommit.objects.order_by("position").values_list("position", "commit__sha")
    assert [row async for row in places] == list(
        enumerate([*(commit["id"] for commit in payload["commits"]), last["id"]])
    )


async def test_the_same_move_at_another_time_is_another_push() -> None:
    payload = github.payload("push__branch")
    await handle("push", payload)
    payload["repository"]["pushed_at"] += 60
    await handle("push", payload)
    assert (await Push.objects.acount(), await Commit.objects.acount()) == (2, 3)


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


SCRIPTS = (
    "Häfen ⚓️ בדיקה اختبار परीक्षण ทดสอบ 테스트 テスト 試驗 тест δοκιμή "
    "e\u0301 \U0001f1eb\U0001f1f7 \u202e '\"\\ \t\n"
)


@pytest.mark.full("sqlite")
async def test_a_push_of_2048_commits_with_long_messages_in_many_scripts_is_recorded_whole() -> None:
    payload = github.payload("push__branch")
    [template, *_] = payload["commits"]
    messages = {f"{number:040x}": f"{number}: {SCRIPTS * (1 + number % 20)}" for number in range(2048)}
    payload["commits"] = [{**template, "id": sha, "message": text} for sha, text in messages.items()]
    note = "main pushed with 2048 commits, 2048 of them new, perhaps not all that there were"
    assert await handle("push", payload) == note
    assert (await Push.objects.aget()).truncated
    rows = PushCommit.objects.order_by("position").values_list("commit__sha", "commit__message")
    assert [row async for row in rows] == list(messages.items())


def push(second: int, before: str, after: str, ref: str = "refs/heads/main", **flags: bool) -> dict[str, Any]:
    """Return a push without commits; one character stands for each sha."""
    payload = github.payload("push__branch")
    payload |= {"ref": ref, "before": before * 40, "after": after * 40, "commits": [], **flags}
    payload["deleted"] = after == "0"
    payload["repository"]["pushed_at"] += second
    return payload


async def head() -> tuple[str, bool]:
    ref = await Ref.objects.select_related("last_push").aget()
    assert ref.last_push is not None
    assert (ref.last_push.after, ref.last_push.pushed_at) == (ref.head_sha, ref.pushed_at)
    return ref.head_sha[0], ref.deleted


@pytest.mark.full("postgresql")  # where tests/records/test_histories.py has orders
@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_a_ref_stands_where_the_newest_push_left_it_whatever_arrives_late(
    order: tuple[int, ...],
) -> None:
    pushes = [push(0, "0", "a"), push(1, "a", "b"), push(2, "b", "0"), push(3, "0", "c", forced=True)]
    for place in order:
        await handle("push", pushes[place])
    assert await head() == ("c", False)


async def test_a_deleted_branch_stays_deleted_when_its_last_push_arrives_late() -> None:
    for told in (push(2, "a", "0"), push(1, "0", "a")):
        await handle("push", told)
    assert await head() == ("0", True)


@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/gh-readonly-queue/main/pr-7-a1b2",
        "refs/tags/light",
        "refs/heads/feature/⚓",
        "refs/notes/x",
    ],
)
async def test_every_ref_is_kept_by_its_full_name(name: str) -> None:
    await handle("push", push(0, "0", "a", ref=name, created=True))
    ref = await Ref.objects.aget()
    assert (ref.name, ref.head_sha, ref.previous_sha) == (name, "a" * 40, "0" * 40)


async def test_an_empty_push_is_a_push_without_commits() -> None:
    assert await handle("push", push(0, "a", "b")) == "main pushed with 0 commits, 0 of them new"
    assert (await Push.objects.acount(), await Commit.objects.acount()) == (1, 0)


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_push_whose_after_is_zeros_is_a_deletion_flag_or_no_flag(deleted: bool) -> None:
    payload = push(0, "a", "0")
    payload["deleted"] = deleted
    assert await handle("push", payload) == "main deleted"
    assert (await Push.objects.aget()).deleted
    assert await head() == ("0", True)


async def test_a_push_whose_before_is_zeros_is_a_creation_flag_or_no_flag() -> None:
    await handle("push", push(0, "0", "a", created=False))
    assert (await Push.objects.aget()).created


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_deletion_without_its_flag_is_part_of_the_chain_of_its_second(order: tuple[int, ...]) -> None:
    pushes = [push(0, "a", "b"), push(0, "b", "0"), push(0, "0", "c")]
    pushes[1]["deleted"] = False
    for place in order:
        await handle("push", pushes[place])
    assert await head() == ("c", False)


@pytest.mark.parametrize(
    "time",
    ["2011-08-07T16:50:23+518:00", "292278994-08-17T07:12:55Z", "0001-01-01T00:00:00Z", 10**40, None, {}],
)
async def test_a_commit_with_an_unreadable_time_is_recorded_without_it_and_noted(time: Any) -> None:
    payload = github.payload("push__branch")
    payload["commits"][1]["timestamp"] = payload["head_commit"]["timestamp"] = time
    note = "main pushed with 3 commits, 3 of them new, 1 commits without a readable time"
    assert await handle("push", payload) == note
    assert await Commit.objects.filter(committed_at=None).acount() == 1
    assert (await Push.objects.aget()).head_commit_sha == payload["head_commit"]["id"]
    assert (await Ref.objects.aget()).head_sha == payload["after"]


async def test_a_push_of_2048_commits_of_unreadable_times_is_recorded_whole() -> None:
    payload = github.payload("push__branch")
    [template, *_] = payload["commits"]
    odd = {**template, "timestamp": "2011-08-07T16:50:23+518:00", "author": "nobody", "distinct": 7}
    payload["commits"] = [{**odd, "id": f"{number:040x}"} for number in range(2048)]
    assert (await handle("push", payload)).endswith("2048 commits without a readable time")
    assert await Commit.objects.filter(committed_at=None, author_name="").acount() == 2048


@pytest.mark.parametrize("flag", ["created", "deleted", "forced"])
async def test_a_flag_that_is_none_costs_nothing(flag: str) -> None:
    """`before` and `after` tell what was made and deleted."""
    await handle("push", {**github.payload("push__branch_deleted"), flag: "perhaps"})
    assert await Push.objects.filter(deleted=True, created=False, forced=False).acount() == 1
    assert (await Ref.objects.aget()).deleted


async def test_the_date_of_a_commit_does_not_order_pushes() -> None:
    late, early = push(0, "a", "b"), push(0, "b", "c")
    for payload, date in ((late, "2037-01-01T00:00:00Z"), (early, "1970-01-01T00:00:00Z")):
        payload["repository"]["pushed_at"] = None
        payload["head_commit"]["timestamp"] = date
        await handle("push", payload)
    assert await head() == ("c", False)
