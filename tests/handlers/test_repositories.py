"""Names and deletions of repositories: the former name is a real one, and a restored one is not deleted."""

from itertools import permutations
from typing import Any

import pytest

from records.models import Repository
from tests import github
from tests.handlers.context import handle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

Payload = dict[str, Any]


def told(action: str, name: str, minute: int, changes: Payload | None = None) -> Payload:
    payload = github.payload("repository__archived") | {"action": action, "changes": changes or {}}
    payload["repository"] |= {
        "full_name": name,
        "archived": False,
        "updated_at": f"2026-05-04T09:{minute:02}:00Z",
    }
    return payload


def from_name(name: str) -> Payload:
    return {"repository": {"name": {"from": name}}}


def from_owner(login: str) -> Payload:
    return {"owner": {"from": {"organization": {"login": login}}}}


async def found() -> tuple[str, str, bool]:
    row = await Repository.objects.aget()
    return row.full_name, row.previous_full_name, row.deleted


async def handle_all(*payloads: Payload) -> tuple[str, str, bool]:
    for payload in payloads:
        await handle("repository", payload)
    return await found()


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_of_two_renames_the_former_name_is_the_one_between(order: tuple[int, ...]) -> None:
    history = [
        told("edited", "a/one", 1),
        told("renamed", "a/two", 2, from_name("one")),
        told("renamed", "a/three", 3, from_name("two")),
    ]
    assert await handle_all(*(history[place] for place in order)) == ("a/three", "a/two", False)


@pytest.mark.parametrize("minute", [2, 3])
@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_the_two_halves_of_a_transfer_with_a_new_name_make_the_name_that_was(
    order: tuple[int, ...], minute: int
) -> None:
    halves = [
        told("transferred", "b/two", 2, from_owner("a")),
        told("renamed", "b/two", minute, from_name("one")),
    ]
    assert await handle_all(*(halves[place] for place in order)) == ("b/two", "a/one", False)


async def test_a_name_composed_of_one_half_gives_way_to_the_one_that_a_late_payload_shows() -> None:
    transferred = told("transferred", "b/two", 2, from_owner("a"))
    assert await handle_all(transferred) == ("b/two", "a/two", False)
    assert await handle_all(told("edited", "a/one", 1)) == ("b/two", "a/one", False)
    assert await handle_all(transferred) == ("b/two", "a/one", False)


async def test_a_rename_without_its_event_keeps_the_former_name() -> None:
    assert await handle_all(told("edited", "a/one", 1), told("edited", "a/two", 2)) == (
        "a/two",
        "a/one",
        False,
    )


async def test_a_name_that_comes_back_is_the_name() -> None:
    there = told("renamed", "a/two", 2, from_name("one"))
    back = told("renamed", "a/one", 3, from_name("two"))
    assert await handle_all(told("edited", "a/one", 1), there, back, there) == ("a/one", "a/two", False)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_restored_repository_is_there_in_every_order(order: tuple[int, ...]) -> None:
    history = [told("edited", "a/one", 1), told("deleted", "a/one", 2), told("edited", "a/one", 3)]
    assert await handle_all(*(history[place] for place in order)) == ("a/one", "", False)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_a_payload_of_the_second_of_the_deletion_does_not_restore(order: tuple[int, ...]) -> None:
    history = [told("deleted", "a/one", 2), told("edited", "a/one", 2)]
    assert (await handle_all(*(history[place] for place in order)))[2]


async def test_a_restored_repository_can_be_deleted_again() -> None:
    history = [told("deleted", "a/one", 2), told("edited", "a/one", 3), told("deleted", "a/one", 4)]
    assert (await handle_all(*history, history[1]))[2]


async def test_a_deletion_without_a_time_deletes_and_a_payload_without_one_does_not_restore() -> None:
    deleted, edited = told("deleted", "a/one", 2), told("edited", "a/one", 2)
    for payload in (deleted, edited):
        del payload["repository"]["updated_at"]
    assert (await handle_all(told("edited", "a/one", 1), deleted, edited))[2]
    assert not (await handle_all(told("edited", "a/one", 3)))[2]


async def test_one_made_again_under_the_same_name_is_another_row() -> None:
    again = told("created", "a/one", 3)
    again["repository"]["id"] += 1
    for payload in (told("deleted", "a/one", 2), again):
        await handle("repository", payload)
    rows = Repository.objects.order_by("github_id").values_list("deleted", flat=True)
    assert [row async for row in rows] == [True, False]


async def test_the_creation_that_comes_late_changes_nothing() -> None:
    created = told("created", "a/one", 3)
    created["repository"]["default_branch"] = "master"
    await handle_all(told("edited", "a/one", 3), created)
    assert (await Repository.objects.aget()).default_branch == "main"


async def test_a_name_that_comes_back_in_the_same_second_is_the_name() -> None:
    there = told("renamed", "a/two", 2, from_name("one"))
    back = told("renamed", "a/one", 2, from_name("two"))
    assert await handle_all(told("edited", "a/one", 1), there, back) == ("a/one", "a/two", False)


def of_default_branch(name: str) -> Payload:
    return {"default_branch": {"from": name}}


TURNS: list[tuple[str, Payload, Payload, Payload]] = [
    ("archived", {}, {"archived": False}, {"archived": True}),
    ("unarchived", {}, {"archived": True}, {"archived": False}),
    ("privatized", {}, {"private": False}, {"private": True}),
    ("publicized", {}, {"private": True}, {"private": False}),
    ("edited", of_default_branch("master"), {"default_branch": "master"}, {"default_branch": "main"}),
]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0)], ids=str)
@pytest.mark.parametrize(("action", "changes", "before", "after"), TURNS, ids=[turn[0] for turn in TURNS])
async def test_a_payload_of_the_same_second_does_not_turn_back_what_an_action_turned(
    action: str, changes: Payload, before: Payload, after: Payload, order: tuple[int, ...]
) -> None:
    issue, event = github.payload("issues__opened"), told(action, "a/one", 2, changes)
    issue["repository"] = {**event["repository"], **before}
    event["repository"] |= after
    for place in order:
        await handle(*[("issues", issue), ("repository", event)][place])
    row = await Repository.objects.aget()
    assert {name: getattr(row, name) for name in after} == after


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1)], ids=str)
async def test_what_was_private_within_the_second_of_its_publication_is_public(
    order: tuple[int, ...],
) -> None:
    issue, event = github.payload("issues__opened"), github.payload("public__opened_up")
    issue["repository"] = {**event["repository"], "private": True}
    for place in order:
        await handle(*[("issues", issue), ("public", event)][place])
    assert not (await Repository.objects.aget()).private


async def test_a_newer_snapshot_restores_whatever_its_action() -> None:
    for action, day in (("deleted", 5), ("created", 6)):
        payload = github.payload("repository__created") | {"action": action}
        payload["repository"]["updated_at"] = f"2026-05-0{day}T09:00:00Z"
        await handle("repository", payload)
    assert not (await Repository.objects.aget()).deleted
