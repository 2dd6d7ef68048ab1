"""Releases end as in their newest snapshot."""

from itertools import permutations
from typing import Any

import pytest

from records.models import Release
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_release_is_written_field_by_field() -> None:
    assert await handle_cases("release__published") == ["v1.4.0 published (written)"]
    told = github.payload("release__published")["release"]
    row = await Release.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.tag_name, row.target) == (told["id"], "v1.4.0", "main")
    assert (row.name, row.body, row.author) == (told["name"], told["body"], "ada-quay")
    assert (row.draft, row.prerelease, row.deleted) == (False, False, False)
    assert str(row.created_at) == "2026-05-04 09:58:59+00:00"
    assert str(row.published_at) == str(row.updated_at) == "2026-05-04 10:12:00+00:00"


@pytest.mark.parametrize("order", list(permutations(["created_draft", "published", "edited"])))
async def test_a_release_ends_as_it_was_edited_in_every_order(order: tuple[str, ...]) -> None:
    await handle_cases(*(f"release__{case}" for case in order))
    row = await Release.objects.aget()
    assert (row.name, row.draft) == ("Spring tides 2026", False)


@pytest.mark.parametrize("order", list(permutations(["created_draft", "published"])))
async def test_without_updated_at_a_release_is_ordered_by_its_publication(
    order: tuple[str, ...],
) -> None:
    for case in order:
        payload: dict[str, Any] = github.payload(f"release__{case}")
        del payload["release"]["updated_at"]
        await handle("release", payload)
    assert not (await Release.objects.aget()).draft


async def test_a_deleted_release_leaves_a_tombstone_that_a_late_edit_does_not_revive() -> None:
    await handle_cases("release__published", "release__deleted", "release__edited")
    assert (await Release.objects.aget()).deleted


async def test_a_prerelease_whose_author_is_gone_is_recorded() -> None:
    await handle_cases("release__prereleased_author_gone")
    row = await Release.objects.aget()
    assert (row.author, row.name, row.prerelease) == ("", "", True)


Payload = dict[str, Any]


def told(action: str, published: str | None, *, draft: bool = False, **changes: Any) -> Payload:
    """Return a release of an older server, which sends no `updated_at`; its commit has any date."""
    payload = github.payload("release__published") | {"action": action}
    del payload["release"]["updated_at"]
    time = published and f"2026-05-04T{published}:00Z"
    payload["release"] |= {
        "draft": draft,
        "published_at": time,
        "created_at": "2037-01-01T00:00:00Z",
        **changes,
    }
    return payload


async def ends(*payloads: Payload) -> tuple[bool, str]:
    for payload in payloads:
        await handle("release", payload)
    row = await Release.objects.aget()
    return row.draft, row.name


DRAFT = told("created", None, draft=True)
PUBLISHED = told("published", "10:00")
WITHDRAWN = told("unpublished", None, draft=True)
AGAIN = told("published", "11:00")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_withdrawn_release_is_a_draft_in_every_order(order: tuple[int, ...]) -> None:
    await ends(*((DRAFT, PUBLISHED, WITHDRAWN)[place] for place in order))
    row = await Release.objects.aget()
    assert (row.draft, row.published_at, row.withdrawn) == (True, None, True)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3, 0), (1, 2, 3, 1), (0, 1, 3)], ids=str)
async def test_a_release_that_is_published_again_is_public(order: tuple[int, ...]) -> None:
    history = (DRAFT, PUBLISHED, WITHDRAWN, AGAIN)
    draft, _ = await ends(*(history[place] for place in order))
    assert not draft


async def test_a_draft_that_is_edited_after_its_withdrawal_is_edited() -> None:
    edited = told("edited", None, draft=True, name="later")
    assert await ends(PUBLISHED, WITHDRAWN, edited) == (True, "later")


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 1, 0)], ids=str)
async def test_a_withdrawal_that_shows_a_text_edited_since_is_a_withdrawal(order: tuple[int, ...]) -> None:
    edited = told("edited", None, draft=True, name="two") | {"changes": {"name": {"from": "one"}}}
    history = (
        told("published", "10:00", name="one"), told("unpublished", None, draft=True, name="one"), edited
    )  # fmt: skip
    assert await ends(*(history[place] for place in order)) == (True, "two")


@pytest.mark.parametrize("action", ["created", "published", "prereleased", "released"])
async def test_the_publication_that_comes_after_an_edit_does_not_take_it_back(action: str) -> None:
    edited = told("edited", "10:00", name="edited")
    assert await ends(edited, told(action, "10:00", name="before")) == (False, "edited")


async def test_a_prerelease_that_is_released_is_released() -> None:
    await ends(told("prereleased", "10:00", prerelease=True), told("released", "10:00"))
    await ends(told("prereleased", "10:00", prerelease=True))
    assert not (await Release.objects.aget()).prerelease


async def test_with_updated_at_it_orders_the_withdrawal() -> None:
    published, withdrawn = github.payload("release__published"), github.payload("release__published")
    withdrawn |= {"action": "unpublished"}
    withdrawn["release"] |= {"draft": True, "published_at": None, "updated_at": "2026-05-04T11:00:00Z"}
    assert (await ends(withdrawn, published))[0]
    published["release"] |= {"published_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"}
    assert not (await ends(published, withdrawn))[0]


def edited(name: str, former: str) -> Payload:
    payload = told("edited", "10:00", name=name)
    return {**payload, "changes": {"name": {"from": former}}}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("updated_at", [None, "2026-05-04T10:05:00Z"])
async def test_two_edits_of_one_time_are_ordered_by_the_text_that_each_replaced(
    updated_at: str | None, order: tuple[int, ...]
) -> None:
    history = [told("published", "10:00", name="one"), edited("two", "one"), edited("three", "two")]
    if updated_at:
        for payload in history:
            payload["release"]["updated_at"] = updated_at
    assert await ends(*(history[place] for place in order)) == (False, "three")


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_a_withdrawn_release_has_the_time_of_its_publication_in_every_order(
    order: tuple[int, ...],
) -> None:
    await ends(*((PUBLISHED, WITHDRAWN)[place] for place in order))
    assert str((await Release.objects.aget()).updated_at) == "2026-05-04 10:00:00+00:00"
