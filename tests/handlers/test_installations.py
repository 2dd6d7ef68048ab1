"""Installations of an app, and the repositories that each may access."""

import asyncio
from typing import Any

import pytest

from records.models import Installation, InstallationRepository, Repository
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

HISTORY = ["installation__created", "installation_repositories__added", "installation_repositories__removed"]


async def seen() -> list[str]:
    rows = InstallationRepository.objects.filter(removed=False).order_by("repository__full_name")
    return [name async for name in rows.values_list("repository__full_name", flat=True)]


async def test_an_installation_is_written_field_by_field() -> None:
    assert await handle_cases("installation__created") == ["harbour-works created: 2 repositories (written)"]
    row = await Installation.objects.aget()
    assert (row.server, row.github_id, row.app_id, row.app) == (
        "github.example",
        52300400,
        301,
        "harbour-bot",
    )
    assert (row.account, row.target_type) == ("harbour-works", "Organization")
    assert (row.repository_selection, row.events) == ("selected", ["issues", "push"])
    assert row.permissions == {"contents": "read", "metadata": "read"}
    assert (row.suspended_at, row.deleted) == (None, False)
    assert str(row.created_at) == str(row.updated_at) == "2026-05-04 10:00:03+00:00"
    assert await seen() == ["harbour-works/charts", "harbour-works/tide-tables"]
    servers = [name async for name in Repository.objects.values_list("server", flat=True)]
    assert servers == ["github.example"] * 2


async def test_what_an_installation_sees_is_the_same_in_every_order() -> None:
    await end_in_every_order(Installation, payloads(*HISTORY))
    assert await seen() == ["harbour-works/buoys", "harbour-works/tide-tables"]
    for case in (HISTORY[0], *reversed(HISTORY)):
        await handle_cases(case)
    assert await seen() == ["harbour-works/buoys", "harbour-works/tide-tables"]


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], ids=str)
async def test_what_was_added_and_removed_since_outlives_a_late_creation(order: tuple[int, ...]) -> None:
    await handle_cases(*(HISTORY[place] for place in order))
    assert await seen() == ["harbour-works/buoys", "harbour-works/tide-tables"]


async def test_a_suspension_that_was_lifted_is_over_in_every_order() -> None:
    history = payloads("installation__created", "installation__suspend", "installation__unsuspend")
    assert (await end_in_every_order(Installation, history))["suspended_at"] is None
    assert (await end_in_every_order(Installation, history[:2]))["suspended_at"] is not None


async def test_a_deleted_installation_stays_deleted_and_sees_nothing() -> None:
    history = payloads("installation__created", "installation__unsuspend", "installation__deleted")
    assert (await end_in_every_order(Installation, history))["deleted"] is True
    assert await seen() == []


async def test_an_enterprise_has_a_slug_and_no_login() -> None:
    payload = github.payload("installation__created")
    payload["installation"] |= {"account": {"slug": "harbours", "id": 5}, "target_type": "Enterprise"}
    await handle("installation", payload)
    assert (await Installation.objects.aget()).account == "harbours"


async def test_a_repository_that_an_installation_lists_by_its_former_name_keeps_its_name() -> None:
    await handle_cases("issues__opened")
    payload = github.payload("installation__created")
    payload["repositories"][0]["full_name"] = "harbour-works/tides-of-old"
    await handle("installation", payload)
    assert (await Repository.objects.aget(github_id=810200300)).full_name == "harbour-works/tide-tables"


async def test_two_servers_have_installations_of_one_id() -> None:
    await handle_cases("installation__created")
    payload: dict[str, Any] = github.payload("installation__created")
    for part in (payload["sender"], payload["installation"]):
        part["html_url"] = "https://elsewhere.example/page"
    await handle("installation", payload)
    assert await Installation.objects.acount() == 2
    assert await InstallationRepository.objects.acount() == 4


@pytest.mark.parametrize("late", HISTORY[:2])
async def test_what_arrives_after_the_deletion_gives_a_deleted_installation_no_repository(late: str) -> None:
    deleted = github.payload("installation__deleted") | {"repositories": []}
    await handle("installation", deleted)
    await handle_cases(late)
    assert await seen() == []


async def test_snapshots_that_are_handled_at_once_are_merged_as_they_arrived() -> None:
    told: list[Any] = [github.payload("installation__created") for _ in range(3)]
    told[1] |= {"action": "suspend"}
    told[1]["installation"]["suspended_at"] = told[1]["installation"]["updated_at"]
    told[2] |= {"action": "unsuspend"}
    for number in range(900, 920):
        for payload in told:
            payload["installation"]["id"] = number
        await asyncio.gather(*(handle("installation", payload) for payload in told))
    assert await Installation.objects.filter(suspended_at=None).acount() == len(range(900, 920))
