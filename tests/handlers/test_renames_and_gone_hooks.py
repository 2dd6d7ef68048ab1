"""Events about accounts and hooks change repositories and hooks: renamed accounts, deleted hooks."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from handlers._renames import rename_account
from records.models import AccountRename, Hook, Installation, Repository
from tests import github
from tests.handlers.context import context, handle, handle_cases

pytestmark = pytest.mark.django_db(transaction=True)

Payload = dict[str, Any]


def seen(name: str, updated_at: str = "2026-05-04T09:00:00Z", github_id: int = 7) -> Payload:
    payload = github.payload("issues__edited")
    payload["repository"] |= {"id": github_id, "full_name": name, "updated_at": updated_at}
    return payload


def account(former: str | None, now: str) -> Payload:
    changes = {"changes": {"login": {"from": former}}} if former else {}
    sender = github.payload("issues__edited")["sender"]
    return {"action": "renamed", "organization": {"login": now, "id": 77}, "sender": sender, **changes}


async def names() -> list[tuple[str, str]]:
    rows = Repository.objects.order_by("github_id").values_list("full_name", "previous_full_name")
    return [row async for row in rows]


async def test_the_names_of_an_organisations_repositories_follow_and_no_others() -> None:
    for place, name in enumerate(("old/one", "old/two", "older/one", "new/three")):
        await handle("issues", seen(name, github_id=place))
    assert await handle("organization", account("old", "new")) == "old is new: 2 repositories renamed"
    assert await names() == [
        ("new/one", "old/one"),
        ("new/two", "old/two"),
        ("older/one", ""),
        ("new/three", ""),
    ]


def repository(action: str, name: str, updated_at: str, changes: Payload) -> Payload:
    payload = github.payload("repository__archived") | {"action": action, "changes": changes}
    payload["repository"] |= {"id": 7, "full_name": name, "updated_at": updated_at}
    return payload


# The rename of the account is received at 12 o'clock.
ACCOUNT = ("organization", account("old", "new"))
RENAMED = repository("renamed", "new/two", "2026-05-04T13:00:00Z", {"repository": {"name": {"from": "one"}}})
TRANSFERRED = repository(
    "transferred", "x/one", "2026-05-04T10:00:00Z", {"owner": {"from": {"organization": {"login": "old"}}}}
)


async def ends(event: Payload, order: tuple[int, ...]) -> list[tuple[str, str]]:
    late = seen("old/one", "2026-05-04T09:30:00Z")
    history = [("issues", seen("old/one")), ACCOUNT, ("repository", event), ("issues", late)]
    for place in order:
        await handle(*history[place])
    return await names()


@pytest.mark.full("postgresql")  # whose statements the other renames run
@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_a_transfer_before_the_rename_of_the_account_has_the_name_of_then(
    order: tuple[int, ...],
) -> None:
    assert await ends(TRANSFERRED, order) == [("x/one", "old/one")]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 1, 3, 2), (0, 3, 1, 2), (3, 0, 1, 2)], ids=str)
async def test_a_rename_after_that_of_the_account_has_the_name_between(order: tuple[int, ...]) -> None:
    assert await ends(RENAMED, order) == [("new/two", "new/one")]


async def test_a_rename_that_names_the_stored_name_is_after_it_whatever_its_time() -> None:
    earlier = repository("renamed", "new/two", "2026-05-04T11:00:00Z", RENAMED["changes"])
    await handle("issues", seen("old/one"))
    await handle(*ACCOUNT)
    await handle("repository", earlier)
    assert await names() == [("new/two", "new/one")]


async def test_an_apps_account_is_renamed_as_well() -> None:
    await handle("issues", seen("old/one"))
    payload = account("old", "new")
    payload |= {"account": payload.pop("organization"), "target_type": "User"}
    assert await handle("installation_target", payload) == "old is new: 1 repositories renamed"
    assert await names() == [("new/one", "old/one")]


async def test_hooks_and_installations_of_a_renamed_organisation_follow() -> None:
    await handle_cases("ping__organization", "installation__created")
    former = (await Hook.objects.aget()).organization
    payload = account(former, "new") | {"sender": github.payload("ping__organization")["sender"]}
    await handle("organization", payload)
    assert (await Hook.objects.aget()).organization == "new"
    assert (await Installation.objects.aget()).account == "new"


async def test_another_server_has_accounts_of_its_own() -> None:
    await handle("issues", seen("old/one"))
    payload = account("old", "new") | {"sender": {"login": "a", "html_url": "https://elsewhere.example/a"}}
    assert await handle("organization", payload) == "old is new: 0 repositories renamed"
    assert await names() == [("old/one", "")]


async def test_a_former_login_that_no_index_holds_is_no_login() -> None:
    assert await handle("organization", account("x" * 5000, "new")) == "new: the payload has no former login"


async def test_a_rename_without_the_former_login_is_noted() -> None:
    assert await handle("organization", account(None, "new")) == "new: the payload has no former login"
    assert await AccountRename.objects.acount() == 0


async def test_a_rename_without_the_former_login_is_of_the_stored_one() -> None:
    stored = account(None, "old") | {"action": "member_added"}
    for event, payload in (("organization", stored), ("issues", seen("old/one"))):
        await handle(event, payload)
    assert await handle("organization", account(None, "new")) == "old is new: 1 repositories renamed"
    assert await names() == [("new/one", "old/one")]


async def test_a_rename_to_the_same_login_renames_nothing() -> None:
    await handle("issues", seen("old/one"))
    await handle("organization", account("old", "old"))
    assert (await names(), await AccountRename.objects.acount()) == ([("old/one", "")], 0)


async def test_an_account_without_a_login_is_noted() -> None:
    payload = account("old", "new")
    del payload["organization"]["login"]
    payload |= {"account": payload.pop("organization"), "target_type": "Enterprise"}
    assert await handle("installation_target", payload) == "an account without a login"


async def test_a_rename_beside_the_first_payloads_misses_none() -> None:
    ping = github.payload("ping__organization")
    ping["organization"] |= {"login": "old", "id": 77}
    rename = account("old", "new") | {"sender": ping["sender"]}
    for _ in range(8):
        await asyncio.gather(
            handle("issues", seen("old/one", github_id=1)),
            handle("organization", rename),
            handle("ping", ping),
            handle("issues", seen("old/two", github_id=2)),
        )
        assert [name for name, _ in await names()] == ["new/one", "new/two"]
        assert (await Hook.objects.aget()).organization == "new"
        for model in (Hook, Repository, AccountRename):
            await model._default_manager.all().adelete()


HISTORY = [("issues", seen("old/one")), ("organization", account("old", "new")), ("issues", seen("new/one")),
           ("issues", seen("old/one", "2026-05-04T09:30:00Z"))]  # fmt: skip


@pytest.mark.full("postgresql")  # whose statements the other renames run
@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_a_payload_on_its_way_does_not_bring_the_old_login_back_in_any_order(
    order: tuple[int, ...],
) -> None:
    for place in order:
        await handle(*HISTORY[place])
    assert await names() == [("new/one", "old/one")]


async def test_a_repository_that_arrives_after_two_renames_has_the_newest_name() -> None:
    for former, now in (("a", "b"), ("b", "c")):
        await AccountRename.objects.acreate(
            server="github.example", former_login=former, login=now,
            told_at=f"2026-05-04T1{'abc'.index(now)}:00:00Z",
        )  # fmt: skip
    await handle("issues", seen("a/one"))
    assert await names() == [("c/one", "b/one")]


async def test_a_login_that_another_account_took_since_stays() -> None:
    await handle("organization", account("old", "new"))  # received at 12:00
    await handle("issues", seen("old/one", "2026-05-04T12:00:01Z"))
    assert await names() == [("old/one", "")]


async def test_an_account_that_got_its_login_back_has_it() -> None:
    for former, now, hour in (("a", "b", 10), ("b", "a", 11)):
        await AccountRename.objects.acreate(
            server="github.example", former_login=former, login=now, told_at=f"2026-05-04T{hour}:00:00Z"
        )
    await handle("issues", seen("a/one"))
    assert (await names())[0][0] == "a/one"


async def test_two_accounts_that_swap_their_logins_keep_their_repositories() -> None:
    for name, github_id in (("p/one", 7), ("q/two", 8)):
        await handle("issues", seen(name, github_id=github_id))
    for hour, (account_id, former, now) in enumerate(((1, "p", "spare"), (2, "q", "p"), (1, "spare", "q"))):
        received_at = datetime(2026, 5, 4, 12 + hour, tzinfo=UTC)
        delivery = replace(context("organization", "github.example"), received_at=received_at)
        await rename_account(delivery, account_id, former, now)
    assert [name for name, _ in await names()] == ["q/one", "p/two"]


def gone(hook_id: int) -> Payload:
    hook = {
        "type": "App",
        "id": hook_id,
        "active": True,
        "events": ["push"],
        "config": {"content_type": "form"},
    }
    return {"action": "deleted", "hook_id": hook_id, "hook": hook}


@pytest.mark.parametrize("order", list(permutations(["ping", "meta"])))
async def test_a_hook_that_is_gone_stays_gone_in_both_orders(order: tuple[str, ...]) -> None:
    ping = {"zen": "z", **{name: part for name, part in gone(61).items() if name != "action"}}
    for event in (*order, *order):
        await handle(event, {"ping": ping, "meta": gone(61)}[event])
    hook = await Hook.objects.aget()
    assert (hook.hook_id, hook.active, hook.deleted, hook.events, hook.content_type) == (
        61, False, True, ["push"], "form",
    )  # fmt: skip
    assert hook.last_ping_at is not None


@pytest.mark.parametrize("order", list(permutations(["ping", "meta"])))
async def test_a_deletion_keeps_what_only_the_ping_shows(order: tuple[str, ...]) -> None:
    few = {"action": "deleted", "hook_id": github.payload("ping__repository")["hook_id"]}
    whole = github.payload("ping__repository")
    few["sender"] = whole["sender"]
    for event in order:
        await handle(event, {"ping": whole, "meta": few}[event])
    hook = await Hook.objects.select_related("repository").aget()
    assert hook.repository is not None
    assert (hook.deleted, hook.active, hook.events) == (True, False, sorted(whole["hook"]["events"]))


async def test_a_deleted_hook_is_found_by_its_own_id_alone() -> None:
    payload = gone(61)
    del payload["hook_id"]
    await handle("meta", payload)
    assert (await Hook.objects.aget()).hook_id == 61


async def test_a_deleted_hook_writes_its_repository() -> None:
    await handle("meta", gone(61) | {"repository": github.payload("ping__repository")["repository"]})
    hook = await Hook.objects.select_related("repository").aget()
    assert hook.repository is not None
    assert hook.repository.full_name == "harbour-works/tide-tables"


async def test_hooks_of_two_servers_share_an_id() -> None:
    await handle_cases("ping__repository")
    elsewhere = github.payload("ping__repository")
    elsewhere["repository"]["html_url"] = "https://elsewhere.example/harbour-works/tide-tables"
    await handle("ping", elsewhere)
    rows = Hook.objects.order_by("server").values_list("server", "repository__server")
    assert [row async for row in rows] == [
        ("elsewhere.example", "elsewhere.example"), ("github.example", "github.example"),
    ]  # fmt: skip
