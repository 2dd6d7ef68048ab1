"""Each creation and each deletion of a branch or tag is a row."""

from datetime import datetime

import pytest

from records.models import RefChange
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def told() -> list[tuple[str, str, str, str]]:
    """Return the rows of one repository, in order of time."""
    rows = RefChange.objects.filter(repository__github_id=810200300).order_by("happened_at")
    return [row async for row in rows.values_list("ref_type", "ref", "change", "sender")]


async def test_what_was_created_and_deleted_is_listed_by_time() -> None:
    notes = await handle_cases("delete__branch", "create__tag", "create__branch")
    assert notes == ["branch neap-tides deleted (written)", "tag v1.4.0 created (written)",
                     "branch neap-tides created (written)"]  # fmt: skip
    assert await told() == [
        ("branch", "neap-tides", "created", "ada-quay"),
        ("tag", "v1.4.0", "created", "ada-quay"),
        ("branch", "neap-tides", "deleted", ""),
    ]


async def test_the_same_event_under_another_guid_is_the_same_row() -> None:
    assert await handle_cases("create__branch", "create__branch") == [
        "branch neap-tides created (written)", "branch neap-tides created (unchanged)",
    ]  # fmt: skip
    assert await RefChange.objects.acount() == 1


async def test_a_branch_that_is_created_again_later_is_another_row() -> None:
    payload = github.payload("create__branch")
    await handle("create", payload)
    payload["repository"]["pushed_at"] = "2026-05-04T11:00:00Z"
    await handle("create", payload)
    assert await RefChange.objects.acount() == 2


async def test_without_pushed_at_the_time_is_that_of_the_repositorys_update() -> None:
    payload = github.payload("create__branch")
    payload["repository"]["pushed_at"] = None
    for _ in range(2):
        await handle("create", payload)
    updated_at = datetime.fromisoformat(payload["repository"]["updated_at"])
    assert (await RefChange.objects.aget()).happened_at == updated_at


async def test_without_any_time_it_is_that_of_the_receipt() -> None:
    payload = github.payload("create__branch")
    payload["repository"] |= {"pushed_at": None, "updated_at": None}
    await handle("create", payload)
    assert str((await RefChange.objects.aget()).happened_at) == "2026-05-04 12:00:00+00:00"
