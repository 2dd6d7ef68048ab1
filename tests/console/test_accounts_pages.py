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


def test_an_admin_makes_an_operator_with_one_tick(console: Console) -> None:
    page = console.admin.get(USERS).text
    [path] = re.findall(r'href="(/admin/auth/user/\d+/change/)">someone<', page)
    form = console.admin.get(path).text
    [group] = re.findall(r'type="checkbox" name="groups" value="(\d+)"', form)
    assert "Every account is a viewer." in words(form)
    assert "user_permissions" not in form, "nothing in the console asks for them"
    fields: dict[str, Any] = {
        "username": "someone",
        "first_name": "",
        "last_name": "",
        "email": "",
        "is_active": "on",
    }
    try:
        assert console.admin.post(path, **fields, groups=group).url == console.url + USERS
        assert roles(console)["someone"] == "operator"
    finally:
        console.admin.post(path, **fields)
    assert roles(console)["someone"] == "viewer"


def test_times_have_their_zone(console: Console) -> None:
    text = console.admin.get("/admin/api/token/").text
    assert "manage.py token create NAME" in text
    assert re.search(r"field-created_at[^>]*>\d{4}-\d\d-\d\d \d\d:\d\d UTC<", text)


def test_accounts_lead_back_to_the_console(console: Console) -> None:
    assert '<a href="/">Hookkeeper</a>: accounts' in console.admin.get("/admin/").text
