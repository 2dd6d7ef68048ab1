"""A request that the console refuses is the client's fault: its line in the log has no traceback."""

import re
from collections.abc import Callable

import pytest

from tests.console.conftest import Console
from tests.console.visitors import Answer, Visitor
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
