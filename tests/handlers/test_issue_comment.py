"""Comments on issues: test_comments.py has their order, with those of all kinds."""

import pytest

from records.models import IssueComment
from tests import github
from tests.handlers.context import handle_cases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_comment_is_written_field_by_field() -> None:
    assert await handle_cases("issue_comment__created") == ["comment on #61 created (written)"]
    told = github.payload("issue_comment__created")["comment"]
    row = await IssueComment.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.number, row.on_pull_request) == (told["id"], 61, False)
    assert (row.author, row.body, row.deleted) == (told["user"]["login"], told["body"], False)
    assert str(row.created_at) == str(row.updated_at) == "2026-05-05 07:50:00+00:00"


async def test_a_comment_whose_author_and_body_are_gone_is_recorded() -> None:
    await handle_cases("issue_comment__created_author_gone")
    row = await IssueComment.objects.aget()
    assert (row.author, row.body) == ("", "")
