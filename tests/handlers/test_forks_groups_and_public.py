"""Forks, merge groups, and repositories that became public."""

import pytest

from records.models import Fork, MergeGroup, Repository
from tests import github
from tests.handlers.context import handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_fork_is_written_field_by_field_and_is_no_repository_of_ours() -> None:
    assert await handle_cases("fork__copied") == ["bo-lindqvist/tide-tables (written)"]
    row = await Fork.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.full_name, row.private) == (811300400, "bo-lindqvist/tide-tables", False)
    assert str(row.updated_at) == "2026-05-08 06:00:00+00:00"
    assert await Repository.objects.acount() == 1


async def test_a_group_of_a_merge_queue_is_written_field_by_field() -> None:
    told = github.payload("merge_group__checks_requested")["merge_group"]
    await handle_cases("merge_group__checks_requested")
    row = await MergeGroup.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    for name in ("head_sha", "head_ref", "base_sha", "base_ref"):
        assert getattr(row, name) == told[name], name
    assert (row.destroyed, row.reason) == (False, "")


async def test_a_group_that_was_destroyed_stays_so_in_every_order() -> None:
    row = await end_in_every_order(
        MergeGroup, payloads("merge_group__checks_requested", "merge_group__destroyed")
    )
    assert (row["destroyed"], row["reason"]) == (True, "merged")


async def test_a_repository_that_was_made_public_is_not_private() -> None:
    history = payloads("repository__privatized", "public__opened_up")
    row = await end_in_every_order(Repository, history)
    assert row["private"] is False
    assert await handle_cases("public__opened_up") == ["harbour-works/tide-tables is public (unchanged)"]
