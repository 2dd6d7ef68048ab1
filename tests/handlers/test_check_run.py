"""Checks of commits: the newest state, though no snapshot tells when it was made."""

import asyncio
from itertools import permutations

import pytest

from records.models import CheckRun
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = pytest.mark.django_db(transaction=True)

HISTORY = ["check_run__created", "check_run__completed"]


async def test_a_check_is_written_field_by_field() -> None:
    assert await handle_cases("check_run__completed") == ["tables (north) completed: success (apply)"]
    told = github.payload("check_run__completed")["check_run"]
    row = await CheckRun.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.name, row.head_sha) == (told["id"], told["name"], told["head_sha"])
    assert (row.head_branch, row.app) == ("main", "github-actions")
    assert (row.status, row.conclusion) == ("completed", "success")
    assert str(row.started_at) == "2026-05-04 10:00:20+00:00"
    assert str(row.completed_at) == str(row.updated_at) == "2026-05-04 10:02:40+00:00"


@pytest.mark.parametrize("end", ["2026-05-04T10:02:40Z", "2026-05-04T10:00:20Z"], ids=["later", "at once"])
@pytest.mark.parametrize("order", list(permutations(HISTORY)))
async def test_a_check_ends_completed_in_every_order(order: tuple[str, ...], end: str) -> None:
    for case in order:
        payload = github.payload(case)
        if payload["check_run"]["completed_at"]:
            payload["check_run"]["completed_at"] = end
        await handle("check_run", payload)
    assert (await CheckRun.objects.aget()).conclusion == "success"


async def test_a_check_that_its_app_takes_up_again_is_under_way_again() -> None:
    await handle_cases(*HISTORY)
    again = github.payload("check_run__created")
    again["check_run"]["started_at"] = "2026-05-04T10:05:00Z"
    await handle("check_run", again)
    row = await CheckRun.objects.aget()
    assert (row.status, row.conclusion, row.completed_at) == ("in_progress", "", None)


async def test_a_check_of_an_app_that_is_gone_is_recorded() -> None:
    await handle_cases("check_run__created_by_a_gone_app")
    row = await CheckRun.objects.aget()
    assert (row.app, row.head_branch, row.status, row.updated_at) == ("", "", "queued", None)


async def test_checks_that_are_told_at_once_are_all_recorded() -> None:
    payloads = [github.payload(case) for case in HISTORY * 20]
    for place, payload in enumerate(payloads):
        payload["check_run"]["id"] += place // 2
    await asyncio.gather(*(handle("check_run", payload) for payload in payloads))
    assert (
        await CheckRun.objects.filter(conclusion="success").acount() == await CheckRun.objects.acount() == 20
    )
