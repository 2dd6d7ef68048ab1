"""Review threads are resolved and unresolved."""

import pytest

from records.models import ReviewThread
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_thread_is_known_by_the_comment_that_began_it() -> None:
    assert await handle_cases("pull_request_review_thread__resolved") == ["thread of #58 resolved (written)"]
    row = await ReviewThread.objects.aget()
    assert (row.github_id, row.number, row.path, row.line) == (19200300401, 58, "tables/north.csv", 12)
    assert row.resolved


async def test_a_thread_whose_first_comment_is_gone_is_the_same_thread() -> None:
    await handle_cases("pull_request_review_thread__resolved")
    payload = github.payload("pull_request_review_thread__unresolved")
    del payload["thread"]["comments"][0]
    await handle("pull_request_review_thread", payload)
    assert not (await ReviewThread.objects.aget()).resolved


async def test_a_thread_that_is_open_again_is_open_in_every_order() -> None:
    history = payloads("pull_request_review_thread__resolved", "pull_request_review_thread__unresolved")
    assert (await end_in_every_order(ReviewThread, history))["resolved"] is False


async def test_a_thread_without_comments_is_noted_alone() -> None:
    payload = github.payload("pull_request_review_thread__resolved")
    payload["thread"]["comments"] = []
    assert await handle("pull_request_review_thread", payload) == "a thread without comments"
    assert await ReviewThread.objects.acount() == 0
