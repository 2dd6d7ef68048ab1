"""Tokens: needed for everything, limited, stored as a hash, revoked in the console."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.db import connection

from tests.console.api.conftest import Programs
from tests.console.api.programs import Program, problem
from tests.console.conftest import Console
from tests.console.visitors import Answer

# Each request to the API reads a token; other tests send some on both.
pytestmark = pytest.mark.full("postgresql")


@pytest.fixture(scope="session")
def paths(tokens: list[str], running_console: Console) -> dict[str, list[str]]:
    """Every path of the API with its methods."""
    schema = json.loads(Program(running_console.url, tokens[0]).get("openapi.json").body)
    return {
        re.sub(r"{\w+}", "1", path): [method.upper() for method in methods]
        for path, methods in schema["paths"].items()
    }


def is_refused(answer: Answer) -> bool:
    return problem(answer)["status"] == 401 and answer.headers["WWW-Authenticate"] == "Bearer"


def test_nothing_is_open_without_a_token(api: Programs, paths: dict[str, list[str]]) -> None:
    assert len(paths) > 10
    for path, methods in paths.items():
        for method in methods:
            assert is_refused(api.stranger.send(method, path)), path
    assert is_refused(api.stranger.get("openapi.json"))


def test_a_session_of_the_console_opens_nothing_but_the_schema(console: Console) -> None:
    assert console.admin.get("/api/v1/deliveries").status == 401
    assert console.viewer.get("/api/v1/openapi.json").status == 200


def test_a_token_to_read_changes_nothing(api: Programs, paths: dict[str, list[str]]) -> None:
    for path, methods in paths.items():
        for method in set(methods) - {"GET"}:
            assert problem(api.reader.send(method, path, {"ids": ["1"]}))["status"] == 403, path


@pytest.mark.parametrize(
    "text", ["", "hk_", "Basic", "hk_0123456789abcdef_" + "a" * 43, "ä", "hk_0123456789abcdef_" + "a" * 9_000]
)
def test_no_other_text_is_a_token(text: str, api: Programs) -> None:
    header = f"Bearer {text}".encode().decode("latin-1")
    assert is_refused(api.stranger.send("GET", "deliveries", Authorization=header))


def test_a_token_with_another_secret_is_refused(api: Programs) -> None:
    wrong = api.reader.token[:-1] + ("A" if api.reader.token[-1] != "A" else "B")
    assert is_refused(Program(api.reader.url, wrong).get("deliveries"))


def test_the_database_holds_no_token_that_works(api: Programs) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, key, digest FROM api_token")
        stored = b"".join(
            value
            if isinstance(value, bytes)
            else bytes(value)
            if isinstance(value, memoryview)
            else value.encode()
            for row in cursor.fetchall()
            for value in row
        )
    assert api.reader.token.split("_", 2)[2].encode() not in stored


def test_a_token_ends_when_it_expires(api: Programs) -> None:
    program = api.to_expire
    assert program.get("deliveries").status == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE api_token SET expires_at = %s WHERE key = %s",
            [datetime(2026, 1, 1, tzinfo=UTC), program.token.split("_")[1]],
        )
    assert is_refused(program.get("deliveries"))


def test_an_admin_sees_its_last_use_and_revokes_it(console: Console, api: Programs) -> None:
    program = api.to_be_revoked
    key = program.token.split("_")[1]
    assert program.get("deliveries").status == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, last_used_at FROM api_token WHERE key = %s", [key])
        [(pk, last_used_at)] = cursor.fetchall()
    assert last_used_at is not None
    assert console.operator.get("/admin/api/token/").status == 403
    page = console.admin.get(f"/admin/api/token/{pk}/change/")
    assert key in page.text
    assert program.token not in page.text
    console.admin.post("/admin/api/token/", action="revoke", _selected_action=pk)
    assert is_refused(program.get("deliveries"))


def test_more_requests_than_its_limit_are_told_when_to_come_again(api: Programs) -> None:
    answers = [api.of_two_requests.get("deliveries") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 30
    assert "2 requests a minute" in problem(answers[2])["detail"]
