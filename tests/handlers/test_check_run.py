"""Checks end in their newest state, although no snapshot has the time at which it was taken."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from records.models import CheckRun
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

Payload = dict[str, Any]
HISTORY = ["check_run__created", "check_run__completed"]


async def test_a_check_is_written_field_by_field() -> None:
    assert await handle_cases("check_run__completed") == ["tables (north) completed: success (written)"]
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


async def test_checks_that_arrive_at_once_are_all_recorded() -> None:
    payloads = [github.payload(case) for case in HISTORY * 20]
    for place, payload in enumerate(payloads):
        payload["check_run"]["id"] += place // 2
    await asyncio.gather(*(handle("check_run", payload) for payload in payloads))
    assert (
        await CheckRun.objects.filter(conclusion="success").acount() == await CheckRun.objects.acount() == 20
    )


def told(action: str, status: str, started: str | None, completed: str | None, **changes: Any) -> Payload:
    """Return a check; times are minutes and seconds after 10 o'clock."""
    payload = github.payload("check_run__created") | {"action": action}
    start, end = (time and f"2026-05-04T10:{time}Z" for time in (started, completed))
    payload["check_run"] |= {"status": status, "started_at": start, "completed_at": end}
    payload["check_run"]["conclusion"] = "failure" if status == "completed" else None
    payload["check_run"] |= changes
    return payload


async def ends(*payloads: Payload) -> tuple[str, str]:
    for payload in payloads:
        await handle("check_run", payload)
    row = await CheckRun.objects.aget()
    return row.status, row.conclusion


# GitHub sets a start; the app then sends its own start and end, which are earlier.
BY_GITHUB = told("created", "in_progress", "00:05", None)
BY_APP = told("completed", "completed", "00:00", "00:03")


@pytest.mark.parametrize("order", [*permutations((0, 1)), (0, 1, 0), (1, 0, 1), (1, 0, 0)], ids=str)
async def test_an_end_before_its_start_is_an_end_in_every_order(order: tuple[int, ...]) -> None:
    assert await ends(*((BY_GITHUB, BY_APP)[place] for place in order)) == ("completed", "failure")


async def test_a_check_taken_up_again_stays_so_though_its_end_comes_twice() -> None:
    again = told("rerequested", "in_progress", "09:00", None)
    assert await ends(BY_GITHUB, BY_APP, again, BY_APP, BY_GITHUB) == ("in_progress", "")
    assert await ends(told("completed", "completed", "09:00", "09:30"), BY_APP, again) == (
        "completed",
        "failure",
    )


@pytest.mark.parametrize("started", [None, "00:03", "00:01"])
async def test_what_did_not_start_after_the_end_is_from_before_it(started: str | None) -> None:
    assert await ends(BY_APP, told("requested_action", "queued", started, None)) == ("completed", "failure")


async def test_the_zero_time_of_go_is_no_time() -> None:
    zero = "0001-01-01T00:00:00Z"
    await ends(BY_GITHUB, told("completed", "completed", "00:05", None, started_at=zero, completed_at=zero))
    row = await CheckRun.objects.aget()
    assert (row.status, row.started_at, row.completed_at) == ("completed", None, None)


async def test_of_two_ends_the_later_arrival_wins_whatever_the_apps_clock_says() -> None:
    restated = told("completed", "completed", "00:00", "00:01", conclusion="success")
    assert await ends(BY_GITHUB, BY_APP, restated) == ("completed", "success")
    assert await ends(BY_APP) == ("completed", "success")


ATTEMPTS = (
    told("created", "in_progress", "00:00", None),
    told("completed", "completed", "00:00", "00:05"),
    told("created", "in_progress", "00:10", None),
    told("completed", "completed", "00:10", "00:15", conclusion="success"),
)


async def test_a_check_that_its_app_took_up_again_ends_with_the_second_end_in_every_order() -> None:
    for order in permutations(range(4)):
        await CheckRun.objects.all().adelete()
        assert await ends(*(ATTEMPTS[place] for place in order)) == ("completed", "success"), order


async def test_a_start_before_an_end_that_was_replaced_is_not_another_attempt() -> None:
    restated = told("completed", "completed", "00:10", "00:02")
    begun = told("created", "in_progress", "00:12", None)
    assert (await ends(ATTEMPTS[3], restated, begun))[0] == "completed"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
async def test_of_two_snapshots_with_githubs_time_of_the_suite_the_later_wins(order: tuple[int, ...]) -> None:
    late = told("completed", "completed", "00:00", "00:01", conclusion="success")
    first = told("completed", "completed", "00:04", "00:09")
    for payload, second in ((first, 10), (late, 20)):
        suite = payload["check_run"]["check_suite"]
        payload["check_run"]["check_suite"] = {**suite, "updated_at": f"2026-05-04T10:01:{second}Z"}
    assert await ends(*((first, late)[place] for place in order)) == ("completed", "success")
