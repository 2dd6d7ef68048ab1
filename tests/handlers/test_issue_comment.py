"""Comments on issues and pull requests end as in their newest snapshot."""

from itertools import permutations

import pytest

from records.models import IssueComment
from tests import github
from tests.handlers.context import handle_cases

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_comment_is_written_field_by_field() -> None:
    assert await handle_cases("issue_comment__created") == ["comment on #61 created (apply)"]
    told = github.payload("issue_comment__created")["comment"]
    row = await IssueComment.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.number, row.on_pull_request) == (told["id"], 61, False)
    assert (row.author, row.body, row.deleted) == (told["user"]["login"], told["body"], False)
    assert str(row.created_at) == str(row.updated_at) == "2026-05-05 07:50:00+00:00"


async def test_a_comment_on_a_pull_request_is_marked_as_such() -> None:
    await handle_cases("issue_comment__created_on_pull_request")
    row = await IssueComment.objects.aget()
    assert (row.number, row.on_pull_request) == (58, True)


async def test_a_comment_whose_author_and_body_are_gone_is_recorded() -> None:
    await handle_cases("issue_comment__created_author_gone")
    row = await IssueComment.objects.aget()
    assert (row.author, row.body) == ("", "")


@pytest.mark.parametrize("order", list(permutations(["created", "edited"])))
async def test_an_edited_comment_is_not_changed_back_by_a_late_creation(order: tuple[str, ...]) -> None:
    await handle_cases(*(f"issue_comment__{action}" for action in order))
    assert "3 April" in (await IssueComment.objects.aget()).body


@pytest.mark.parametrize("order", list(permutations(["created", "edited", "deleted"])))
async def test_a_deleted_comment_leaves_a_tombstone_in_every_order(order: tuple[str, ...]) -> None:
    await handle_cases(*(f"issue_comment__{action}" for action in order))
    assert (await IssueComment.objects.aget()).deleted
