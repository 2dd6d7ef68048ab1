"""The pages of accounts and tokens, in Django's admin: roles, and times with their zone."""

import re
from typing import Any

import pytest

from tests.console.conftest import Console
from tests.console.visitors import words

pytestmark = pytest.mark.once

USERS = "/admin/auth/user/"


def roles(console: Console) -> dict[str, str]:
    """Return the role of each account, as the list shows it."""
    found = re.findall(
        r'field-username.*?>([^<]+)</a></th><td class="field-role">([^<]+)<', console.admin.get(USERS).text
    )
    return dict(found)


def test_the_list_shows_the_role_of_each_account(console: Console) -> None:
    assert roles(console).items() >= {"admin": "admin", "operator": "operator", "viewer": "viewer"}.items()


def opened(console: Console, name: str) -> tuple[str, dict[str, Any]]:
    """Return the path of an account's page, and what its form sends as it was loaded, but for the groups."""
    [path] = re.findall(rf'href="(/admin/auth/user/\d+/change/)">{name}<', console.admin.get(USERS).text)
    [seen] = re.findall(r'name="seen" value="(\w+)"', console.admin.get(path).text)
    named = dict.fromkeys(("first_name", "last_name", "email"), "")
    return path, {"username": name, **named, "is_active": "on", "seen": seen}


def test_an_admin_makes_an_operator_with_one_tick_that_no_older_page_undoes(console: Console) -> None:
    path, fields = opened(console, "someone")
    form = console.admin.get(path).text
    [group] = re.findall(r'type="checkbox" name="groups" value="(\d+)"', form)
    assert "Every account is a viewer." in words(form)
    assert "user_permissions" not in form, "nothing in the console asks for them"
    try:
        assert console.admin.post(path, **fields, groups=group).url == console.url + USERS
        assert roles(console)["someone"] == "operator"
        stale = words(console.admin.post(path, **fields).text)
        assert "This account was changed after its page was loaded. Load it again" in stale
        assert roles(console)["someone"] == "operator", "the page of a second admin does not undo it"
    finally:
        console.admin.post(path, **opened(console, "someone")[1])
    assert roles(console)["someone"] == "viewer"


def test_an_admin_neither_deletes_nor_demotes_the_own_account(console: Console) -> None:
    path, fields = opened(console, "admin")
    assert console.admin.post(path, **fields | {"is_active": ""}).url == console.url + USERS
    assert roles(console)["admin"] == "admin"
    own = path.split("/")[-3]
    assert console.admin.post(path.replace("change", "delete"), post="yes").status == 403
    console.admin.post(USERS, action="delete_selected", _selected_action=own, post="yes")
    assert roles(console)["admin"] == "admin"


def test_times_have_their_zone(console: Console) -> None:
    text = console.admin.get("/admin/api/token/").text
    assert "manage.py token create NAME" in text
    assert re.search(r"field-created_at[^>]*>\d{4}-\d\d-\d\d \d\d:\d\d UTC<", text)


def test_accounts_lead_back_to_the_console(console: Console) -> None:
    assert '<a href="/">Hookkeeper</a>: accounts' in console.admin.get("/admin/").text
