"""Reviews end as in their newest snapshot, and dismissed ones stay dismissed."""

from itertools import permutations

import pytest

from records.models import PullRequestReview
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_review_is_written_field_by_field() -> None:
    noted = await handle_cases("pull_request_review__submitted")
    assert noted == ["review of #58 submitted: approved (written)"]
    told = github.payload("pull_request_review__submitted")["review"]
    row = await PullRequestReview.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.number, row.author) == (told["id"], 58, told["user"]["login"])
    assert (row.state, row.body, row.commit_sha) == (told["state"], told["body"], told["commit_id"])
    assert str(row.submitted_at) == str(row.updated_at) == "2026-05-04 12:40:00+00:00"


async def test_a_review_without_a_time_has_that_of_its_pull_request() -> None:
    await handle_cases("pull_request_review__submitted_author_gone")
    row = await PullRequestReview.objects.aget()
    assert (row.author, row.body, row.submitted_at) == ("", "", None)
    assert str(row.updated_at) == "2026-05-04 12:50:00+00:00"


@pytest.mark.parametrize("order", list(permutations(["submitted", "edited", "dismissed"])))
async def test_a_dismissed_review_is_dismissed_in_every_order(order: tuple[str, ...]) -> None:
    await handle_cases(*(f"pull_request_review__{action}" for action in order))
    assert (await PullRequestReview.objects.aget()).state == "dismissed"


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0)], ids=str)
@pytest.mark.parametrize(
    "before",
    [{"body": None}, {"state": "pending", "submitted_at": None, "updated_at": "2026-05-04T12:41:00Z"}],
)
async def test_an_edit_that_github_sends_beside_the_submission_does_not_replace_it(
    before: dict[str, str | None], order: tuple[int, ...]
) -> None:
    # https://github.com/rust-lang/triagebot/pull/1911, https://github.com/DefinitelyTyped/dt-mergebot/pull/59
    submitted, edited = (github.payload("pull_request_review__submitted") for _ in range(2))
    edited |= {"action": "edited", "changes": {}}
    edited["review"] |= before
    for place in order:
        await handle("pull_request_review", (edited, submitted)[place])
    row, told = await PullRequestReview.objects.aget(), submitted["review"]
    assert (row.state, row.body, str(row.updated_at)) == (
        told["state"], told["body"], "2026-05-04 12:40:00+00:00"
    )  # fmt: skip


async def test_an_edit_in_the_second_of_the_dismissal_does_not_take_it_back() -> None:
    await handle_cases("pull_request_review__dismissed")
    late = github.payload("pull_request_review__edited")
    late["review"]["updated_at"] = github.payload("pull_request_review__dismissed")["review"]["updated_at"]
    await handle("pull_request_review", late)
    assert (await PullRequestReview.objects.aget()).state == "dismissed"
