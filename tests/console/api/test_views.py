"""Saved views: created, read, replaced, changed and deleted, never over somebody else's change."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.console.api.conftest import Programs
from tests.console.api.programs import problem
from tests.console.conftest import Console
from tests.console.visitors import Answer


@pytest.fixture
def name() -> str:
    return f"view {uuid4()}"


def path(name: str) -> str:
    return f"views/{name.replace(' ', '%20')}"


def content(answer: Answer) -> dict[str, Any]:
    assert answer.status in {200, 201}, answer.text
    found: dict[str, Any] = json.loads(answer.body)
    assert answer.headers["ETag"] == f'"{found["version"]}"'
    return found


def test_a_view_is_saved_and_read(api: Programs, name: str) -> None:
    answer = api.operator.post("views", {"name": name, "filter": {"status": "dead", "since": "24h"}})
    assert answer.status == 201
    found = content(answer)
    assert found["filter"] == {"status": "dead", "since": "24h"}
    assert found["query"] == "status=dead&since=24h"
    assert content(api.reader.get(answer.headers["Location"])) == found
    assert name in [item["name"] for item in api.reader.pages("views?limit=1")]
    assert problem(api.operator.post("views", {"name": name, "filter": {}}))["status"] == 409


def test_a_view_is_replaced_changed_and_deleted_by_its_version(api: Programs, name: str) -> None:
    api.operator.post("views", {"name": name, "filter": {"status": "dead"}})
    replaced = content(
        api.operator.send("PUT", path(name), {"filter": {"event": "push", "action": "x"}}, If_Match='"1"')
    )
    assert replaced["filter"] == {"event": "push", "action": "x"}
    changed = content(
        api.operator.send("PATCH", path(name), {"filter": {"action": None, "status": "dead"}}, If_Match='"2"')
    )
    assert changed["filter"] == {"event": "push", "status": "dead"}
    renamed = content(api.operator.send("PATCH", path(name), {"name": f"{name} renamed"[:100]}, If_Match="*"))
    assert (renamed["version"], renamed["filter"]) == (4, changed["filter"])
    assert problem(api.reader.get(path(name)))["status"] == 404
    gone = api.operator.send("DELETE", path(renamed["name"]), If_Match='"4"')
    assert (gone.status, gone.body) == (204, b"")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_change_of_an_older_version_is_refused(method: str, api: Programs, name: str) -> None:
    api.operator.post("views", {"name": name, "filter": {"status": "dead"}})
    body = {"filter": {"event": "push"}} if method != "DELETE" else None
    assert problem(api.operator.send(method, path(name), body, If_Match='"7"'))["status"] == 412
    assert problem(api.operator.send(method, path(name), body))["status"] == 428
    assert problem(api.operator.send(method, path(name), body, If_Match="W/x"))["status"] == 422
    assert problem(api.operator.send(method, path("none"), body, If_Match="*"))["status"] == 404
    assert content(api.reader.get(path(name)))["filter"] == {"status": "dead"}


@pytest.mark.parametrize(("tags", "status"), [('"7"', 412), ('"x"', 412), ('W/"1"', 412), ('"7", "1"', 200)])
def test_a_version_matches_if_one_of_the_tags_names_it(
    tags: str, status: int, api: Programs, name: str
) -> None:
    api.operator.post("views", {"name": name, "filter": {"status": "dead"}})
    for method in ("PATCH", "PUT") if status != 200 else ("PATCH",):
        answer = api.operator.send(method, path(name), {"filter": {"event": "push"}}, If_Match=tags)
        assert answer.status == status, answer.text


def test_a_view_of_what_is_no_filter_is_refused(api: Programs, name: str) -> None:
    for filters in ({"statu": "dead"}, {"status": "lost"}, {"guid": "x"}):
        assert problem(api.operator.post("views", {"name": name, "filter": filters}))["status"] == 422
    assert problem(api.operator.post("views", {"name": "<b>", "filter": {}}))["status"] == 422


def test_views_are_chips_in_the_console(api: Programs, console: Console, name: str) -> None:
    api.operator.post("views", {"name": name, "filter": {"status": "dead", "error": "<b>&"}})
    page = console.viewer.get("/deliveries").text
    assert f'<a class="chip" href="/deliveries?status=dead&amp;error=%3Cb%3E%26">{name}</a>' in page
    chosen = console.viewer.get("/deliveries?status=dead&error=%3Cb%3E%26").text
    assert f'aria-current="true">{name}</a>' in chosen
