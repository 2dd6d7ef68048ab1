"""Releases end as the newest snapshot shows them."""

from itertools import permutations
from typing import Any

import pytest

from records.models import Release
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_release_is_written_field_by_field() -> None:
    assert await handle_cases("release__published") == ["v1.4.0 published (apply)"]
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
async def test_a_server_that_tells_no_updates_orders_a_release_by_its_publication(
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
