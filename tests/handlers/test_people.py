"""Stars, collaborators and members of organisations are added, removed and added again."""

import pytest

from records.models import Collaborator, Organization, OrganizationMember, Star
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

AGAIN = "2026-05-06T07:00:00Z"


async def test_a_star_is_written_field_by_field() -> None:
    assert await handle_cases("star__created") == ["star of dependabot[bot] created (written)"]
    told = github.payload("star__created")
    row = await Star.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.user_id, row.login, row.removed) == (told["sender"]["id"], "dependabot[bot]", False)
    assert str(row.starred_at) == "2026-05-05 07:00:00+00:00"
    assert str(row.updated_at) == "2026-05-04 09:12:40+00:00"


async def test_a_star_that_was_given_again_is_there_in_every_order() -> None:
    again = github.payload("star__created") | {"starred_at": AGAIN}
    again["repository"]["updated_at"] = AGAIN
    history = [*payloads("star__created", "star__deleted"), ("star", again)]
    row = await end_in_every_order(Star, history)
    assert (row["removed"], str(row["starred_at"])) == (False, "2026-05-06 07:00:00+00:00")


async def test_a_star_of_an_account_that_is_gone_is_noted_alone() -> None:
    notes = await handle_cases("star__created_account_gone")
    assert notes == ["a star created by an account that is gone"]
    assert await Star.objects.acount() == 0


async def test_a_collaborator_is_written_field_by_field() -> None:
    assert await handle_cases("member__added") == ["bo-lindqvist added (written)"]
    row = await Collaborator.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.user_id, row.login, row.permission) == (7100201, "bo-lindqvist", "write")
    assert not row.removed


async def test_a_permission_that_was_replaced_does_not_come_back_late() -> None:
    row = await end_in_every_order(Collaborator, payloads("member__added", "member__edited"))
    assert row["permission"] == "admin"


async def test_a_late_added_does_not_bring_back_a_permission_that_two_edits_replaced() -> None:
    history = payloads("member__added", "member__edited", "member__edited")
    for (_, payload), former, now in zip(
        history[1:], ("write", "maintain"), ("maintain", "admin"), strict=True
    ):
        payload["changes"] = {"permission": {"from": former, "to": now}}
    assert (await end_in_every_order(Collaborator, history))["permission"] == "admin"


async def test_a_removed_collaborator_is_not_brought_back_by_a_late_edit() -> None:
    row = await end_in_every_order(Collaborator, payloads("member__edited", "member__removed"))
    assert (row["removed"], row["permission"]) == (True, "")


async def test_a_removed_collaborator_who_is_added_again_is_there() -> None:
    await handle_cases("member__added", "member__removed", "member__added")
    assert not (await Collaborator.objects.aget()).removed


async def test_a_collaborator_who_is_added_again_has_the_permission_that_an_edit_replaced() -> None:
    await handle_cases("member__added", "member__edited", "member__removed", "member__added")
    row = await Collaborator.objects.aget()
    assert (row.removed, row.permission) == (False, "write")


async def test_the_repositorys_time_keeps_a_late_added_from_a_removed_collaborator() -> None:
    history = payloads("member__added", "member__removed")
    history[1][1]["repository"]["updated_at"] = AGAIN
    assert (await end_in_every_order(Collaborator, history))["removed"] is True


async def test_a_member_of_an_organisation_is_written_field_by_field() -> None:
    notes = await handle_cases("organization__member_added")
    assert notes == ["harbour-works: member_added bo-lindqvist (written)"]
    row = await OrganizationMember.objects.select_related("organization").aget()
    organization = row.organization
    assert (organization.server, organization.github_id, organization.login, organization.deleted) == (
        "github.example", 7100123, "harbour-works", False,
    )  # fmt: skip
    assert (row.user_id, row.login, row.role, row.state) == (7100201, "bo-lindqvist", "member", "active")
    assert not row.removed


async def test_an_invitation_never_replaces_what_a_member_is() -> None:
    history = payloads("organization__member_invited", "organization__member_added")
    assert (await end_in_every_order(OrganizationMember, history))["state"] == "active"
    history = payloads("organization__member_invited", "organization__member_removed")
    assert (await end_in_every_order(OrganizationMember, history))["removed"] is True


async def test_an_invitation_by_an_address_alone_is_of_no_account() -> None:
    payload = github.payload("organization__member_invited")
    del payload["user"]
    payload["invitation"] |= {"login": None, "email": "bo@harbour.example"}
    assert await handle("organization", payload) == "harbour-works: member_invited (written)"
    assert await OrganizationMember.objects.acount() == 0


async def test_a_deleted_organisation_stays_deleted() -> None:
    history = payloads("organization__member_added", "organization__deleted")
    assert (await end_in_every_order(Organization, history))["deleted"] is True


async def test_an_organisations_former_login_does_not_come_back_late() -> None:
    renamed = github.payload("organization__member_added") | {"action": "renamed"}
    del renamed["membership"]
    renamed["changes"] = {"login": {"from": "harbour-works"}}
    renamed["organization"] = {"login": "harbours", "id": 7100123}
    history = [*payloads("organization__member_added"), ("organization", renamed)]
    assert (await end_in_every_order(Organization, history))["login"] == "harbours"


async def test_an_organisation_can_take_a_login_again_that_it_gave_up() -> None:
    for former, login in (("harbour-works", "harbours"), ("harbours", "harbour-works")) * 2:
        payload = github.payload("organization__member_added") | {"action": "renamed"}
        del payload["membership"]
        payload |= {"changes": {"login": {"from": former}}, "organization": {"login": login, "id": 7100123}}
        await handle("organization", payload)
        assert (await Organization.objects.aget()).login == login


async def test_two_servers_have_organisations_of_one_id() -> None:
    await handle_cases("organization__member_added")
    payload = github.payload("organization__member_added")
    payload["sender"]["html_url"] = "https://elsewhere.example/ada-quay"
    await handle("organization", payload)
    servers = [row.server async for row in Organization.objects.order_by("server")]
    assert servers == ["elsewhere.example", "github.example"]
    assert await OrganizationMember.objects.acount() == 2
