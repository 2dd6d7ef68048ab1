"""A request that the console refuses is the client's fault: its line in the log has no traceback.

Its page leads on: it has the navigation of the reader.
"""

import re
from collections.abc import Callable

import pytest

from tests.console.conftest import Console
from tests.console.visitors import SESSION_COOKIE, Answer, Visitor, words
from tests.processes import wait_until


@pytest.mark.parametrize(
    ("request_of", "status", "line"),
    [
        (lambda one: one.get("/", Host="elsewhere.example"), 400, "Invalid HTTP_HOST header: 'else"),
        (lambda one: one.post("/sign-in", name="a" * 3_000_000), 400, "Request body exceeded"),
        (lambda one: one.post("/sign-in", a=["b"] * 2_000), 400, "The number of GET/POST parameters"),
        (lambda one: one.post("/sign-in", csrf=False), 403, "Forbidden (CSRF token missing.): /sign-in"),
    ],
    ids=["a wrong host", "a large form", "a form of many fields", "a form of another site"],
)  # fmt: skip
def test_a_refused_request_is_one_line_of_the_log(
    console: Console, request_of: Callable[[Visitor], Answer], status: int, line: str
) -> None:
    stranger = console.stranger()
    stranger.get("/sign-in")
    begin = console.log.stat().st_size
    assert request_of(stranger).status == status

    def logged() -> str:
        return console.log.read_text()[begin:]

    wait_until(lambda: logged().endswith("\n"), "the refusal is logged")
    assert re.fullmatch(rf"\S+ \S+ WARNING +{re.escape(line)}.*\n", logged())


@pytest.mark.parametrize(
    ("request_of", "said"),
    [
        (lambda one: one.get("/elsewhere"), "Not found"),
        (lambda one: one.get("/deliveries/999999999"), "Not found"),
        (lambda one: one.get("/doctor"), "Only an operator may do this."),
        (lambda one: one.post("/sign-out", csrf=False), "The form was too old"),
        (lambda one: one.post("/sign-out", a=["b"] * 2_000), "Not a request that the console takes"),
    ],
    ids=["no such address", "no such delivery", "not for this role", "a form of another site", "many fields"],
)  # fmt: skip
def test_the_page_of_a_refusal_has_the_navigation_of_the_reader(
    console: Console, request_of: Callable[[Visitor], Answer], said: str
) -> None:
    text = words(request_of(console.viewer).text)
    assert said in text
    assert "Overview Deliveries Operations" in text
    assert "viewer (viewer)" in text
    assert "Doctor" not in text


def test_a_stranger_who_finds_nothing_sees_no_navigation(console: Console) -> None:
    assert "Deliveries" not in console.stranger().get("/elsewhere").text


def test_a_cookie_that_is_no_key_of_a_session_leads_to_signing_in(console: Console) -> None:
    answer = console.stranger().get("/deliveries", Cookie=f'{SESSION_COOKIE}="\\000not a key"')
    assert answer.url == f"{console.url}/sign-in?next=/deliveries"
