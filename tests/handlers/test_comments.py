"""Comments of every kind end as in their newest snapshot, and stay deleted."""

from typing import Any

import pytest

from records.comments import Comment
from records.models import CommitComment, DiscussionComment, IssueComment, ReviewComment
from tests import github
from tests.handlers.context import handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

KINDS: dict[str, type[Comment]] = {
    "issue_comment": IssueComment,
    "pull_request_review_comment": ReviewComment,
    "discussion_comment": DiscussionComment,
}
of_each_kind = pytest.mark.parametrize(("event", "model"), KINDS.items(), ids=KINDS)


@of_each_kind
async def test_a_comment_is_what_it_was_edited_to_in_every_order(event: str, model: type[Comment]) -> None:
    row = await end_in_every_order(model, payloads(f"{event}__created", f"{event}__edited"))
    assert row["body"] == github.payload(f"{event}__edited")["comment"]["body"]


@of_each_kind
async def test_a_deleted_comment_leaves_a_tombstone_in_every_order(event: str, model: type[Comment]) -> None:
    history = payloads(f"{event}__created", f"{event}__edited", f"{event}__deleted")
    assert (await end_in_every_order(model, history))["deleted"] is True


@of_each_kind
async def test_two_edits_of_one_second_end_with_the_last_text(event: str, model: type[Comment]) -> None:
    history: list[tuple[str, dict[str, Any]]] = []
    for former, body in ((None, "one"), ("one", "two"), ("two", "three")):
        payload = github.payload(f"{event}__edited") | {"action": "edited" if former else "created"}
        payload["changes"] = {"body": {"from": former}} if former else {}
        payload["comment"] |= {"body": body, "updated_at": "2026-05-05T08:00:00Z"}
        history.append((event, payload))
    assert (await end_in_every_order(model, history))["body"] == "three"


async def test_a_comment_on_a_commit_is_written_field_by_field() -> None:
    assert await handle_cases("commit_comment__created") == ["comment on a625406 created (written)"]
    told = github.payload("commit_comment__created")["comment"]
    row = await CommitComment.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.commit_sha, row.path, row.line) == (
        told["id"], told["commit_id"], "tables/north.csv", 3,
    )  # fmt: skip
    assert (row.author, row.body, row.deleted) == ("bo-lindqvist", told["body"], False)
    assert str(row.created_at) == str(row.updated_at) == "2026-05-05 07:00:00+00:00"


async def test_a_comment_on_a_whole_commit_whose_author_is_gone_is_recorded() -> None:
    await handle_cases("commit_comment__created_author_gone")
    row = await CommitComment.objects.aget()
    assert (row.author, row.body, row.path, row.line) == ("", "", "", None)


async def test_a_reply_on_a_deleted_line_has_the_comment_that_it_replies_to() -> None:
    await handle_cases("pull_request_review_comment__created", "pull_request_review_comment__created_reply")
    [first, reply] = [row async for row in ReviewComment.objects.order_by("github_id")]
    assert (first.in_reply_to, first.number, first.line, first.review_id) == (None, 58, 12, 18100200300)
    assert (reply.in_reply_to, reply.number, reply.line) == (first.github_id, 58, None)


async def test_a_comment_in_a_discussion_has_its_discussion() -> None:
    await handle_cases("discussion_comment__created")
    row = await DiscussionComment.objects.aget()
    assert (row.number, row.in_reply_to, row.author) == (70, None, "ada-quay")
