"""The API's documentation: a page without scripts of others, on which no endpoint is missing."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from tests.console.api.conftest import Programs
from tests.console.api.programs import problem
from tests.console.conftest import Console

pytestmark = pytest.mark.once


def schema(api: Programs) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(api.reader.get("openapi.json").body)
    return found


def endpoints(api: Programs) -> set[str]:
    return {
        f"{method.upper()} {path}" for path, methods in schema(api)["paths"].items() for method in methods
    }


def test_every_operation_says_what_it_does(api: Programs) -> None:
    for path, methods in schema(api)["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert operation["summary"], path


def test_every_body_and_answer_has_an_example_that_its_schema_allows(api: Programs) -> None:
    found = schema(api)
    checked = 0
    for path, methods in found["paths"].items():
        for operation in methods.values():
            for content in (operation.get("requestBody", {}), *operation["responses"].values()):
                for kind, body in content.get("content", {}).items():
                    if kind == "*/*":
                        continue
                    assert body["example"], path
                    whole = {**body["schema"], "components": found["components"]}
                    jsonschema_rs.validator_for(whole, validate_formats=True).validate(body["example"])
                    checked += 1
    assert checked > 150


def test_every_model_is_that_of_a_body_or_an_answer(api: Programs) -> None:
    found = schema(api)
    text = json.dumps(found)
    for name in found["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name


def test_every_cursor_says_what_it_is(api: Programs) -> None:
    cursors = [
        parameter["description"]
        for methods in schema(api)["paths"].values()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["name"] == "cursor"
    ]
    assert (len(cursors) > 10, set(cursors)) == (True, {"where the page begins, as in `next`"})


def test_no_list_ignores_a_misspelled_filter(api: Programs) -> None:
    lists = [
        path
        for path, methods in schema(api)["paths"].items()
        if "get" in methods and "Page_" in json.dumps(methods["get"]["responses"]) and "{" not in path
    ]
    assert len(lists) > 12
    for path in lists:
        assert problem(api.reader.get(f"{path}?evnt=push"))["errors"][0]["detail"].startswith("unknown: evnt")


def test_the_page_shows_every_endpoint_to_people_who_signed_in(console: Console, api: Programs) -> None:
    page = console.viewer.get("/api/v1/docs").text
    assert {name for name in endpoints(api) if name not in page} == set()
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//[^\"]+", page) == []
    assert "<script>" not in page
    assert "a worker processes it next" in page, "an example"
    assert "sign-in" in console.stranger().get("/api/v1/docs").url
