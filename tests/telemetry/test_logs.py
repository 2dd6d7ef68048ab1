"""Log lines: as text and as JSON, whatever the arguments hold."""

import ast
import json
import logging
import re
import subprocess
import sys
from collections.abc import Mapping
from contextvars import copy_context
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from receiver.models import Delivery
from telemetry import logs
from telemetry.logs import JsonLines, Lines
from tests import processes
from tests.telemetry.conftest import Told

HOSTILE = "a\nb\x1b[31m\u202ec\x00" + 10_000 * "x"
GUID = UUID("b39322f1-9e12-46e5-91e9-2812601072fd")


def record(message: str, *arguments: object, **more: Any) -> logging.LogRecord:
    return logging.LogRecord(
        "receiver.intake", logging.WARNING, __file__, 1, message, arguments, None, **more
    )


def as_json(line: logging.LogRecord) -> dict[str, Any]:
    text = JsonLines().format(line)
    assert text.isascii()
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def raised(message: str) -> logging.LogRecord:
    line = record("failed")
    try:
        int(message)
    except ValueError:
        line.exc_info = sys.exc_info()
    return line


def test_a_message_of_pairs_has_them_as_fields() -> None:
    found = as_json(
        record("100%% not stored guid=%s count=%d share=%.1f error=%s", GUID, 3, 0.25, OSError("no"))
    )
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert found == {
        "level": "warning",
        "logger": "receiver.intake",
        "message": f"100% not stored guid={GUID} count=3 share=0.2 error=no",
        "guid": str(GUID),
        "count": 3,
        "share": 0.25,
        "error": "no",
    }


def test_an_error_without_a_text_has_its_name_as_a_field() -> None:
    found = as_json(record("not answered error=%r path=%r", TimeoutError(), "/a"))
    assert (found["error"], found["path"]) == ("TimeoutError()", "/a")


def test_a_number_that_json_cannot_hold_is_text() -> None:
    found = as_json(record("own line ratio=%s most=%.1f count=%d", float("nan"), float("-inf"), 3))
    assert (found["ratio"], found["most"], found["count"]) == ("nan", "-inf", 3)


def test_a_pair_cannot_take_the_place_of_the_message() -> None:
    assert as_json(record("an event message=%s level=%s", "evil", "debug"))["level"] == "warning"


def test_an_argument_with_fields_adds_them() -> None:
    class Argument:
        log_fields: Mapping[str, object] = {"status": "dead", "retry_in": None, "error": HOSTILE}

        def __str__(self) -> str:
            return "one line"

    found = as_json(record("%s", Argument()))
    assert (found["message"], found["status"], found["retry_in"]) == ("one line", "dead", None)
    assert len(found["error"]) < 600


def test_a_group_is_a_line_for_each_of_its_deliveries() -> None:
    class Ended:
        log_fields: Mapping[str, object] = {"status": "succeeded"}

        def __init__(self, event: str) -> None:
            self.delivery = Delivery(guid=GUID, event=event, attempts=0, worker="host:1:abc")

        def __str__(self) -> str:
            return f"{self.delivery.event}\n{HOSTILE}"

    group = record("%s", logs.Group([Ended("push"), Ended("issues")]))
    text = Lines().format(group).splitlines()
    assert [line.split()[3] for line in text] == ["push", "issues"]
    assert all(line.isprintable() and len(line) < 4_000 for line in text)
    found = [json.loads(line) for line in JsonLines().format(group).splitlines()]
    assert [(one["event"], one["status"], one["attempt"]) for one in found] == [
        ("push", "succeeded", 1), ("issues", "succeeded", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("formatter", [Lines(), JsonLines()])
def test_hostile_text_stays_on_one_bounded_and_printable_line(formatter: logging.Formatter) -> None:
    text = formatter.format(record("not stored error=%s", HOSTILE))
    assert len(text) < 4_000
    assert text.isprintable()


@pytest.mark.parametrize("formatter", [Lines(), JsonLines()])
def test_a_traceback_is_bounded_and_clean(formatter: logging.Formatter) -> None:
    text = formatter.format(raised(5 * HOSTILE))
    assert len(text) < 30_000
    assert all(line.isprintable() for line in text.splitlines())
    assert "xxxx" in text


def test_a_traceback_is_a_field_with_its_lines() -> None:
    assert as_json(raised("no"))["exception"].splitlines()[-1] == (
        "ValueError: invalid literal for int() with base 10: 'no'"
    )


def test_lines_of_a_task_are_about_its_delivery() -> None:
    row = Delivery(guid=GUID, event="push", repository="octo/cat", attempts=2, worker="host:1:abc")

    def told() -> dict[str, Any]:
        logs.about(row)
        return as_json(record("a handler's own line"))

    inside = copy_context().run(told)
    assert {name: inside[name] for name in ("guid", "event", "repository", "attempt", "worker")} == {
        "guid": str(GUID), "event": "push", "repository": "octo/cat", "attempt": 3, "worker": "host:1:abc",
    }  # fmt: skip
    assert "guid" not in as_json(record("a line of another task"))


# An argument that has fields of its own or is pairs already.
WITHOUT_NAMES = {"%s", "isolated: %s", "connections ended %s open=%d limit=%d"}


def test_each_value_in_a_message_has_a_name_so_that_json_has_it_as_a_field() -> None:
    parts = ("receiver", "processing", "ledger", "upstream", "console", "api", "database", "telemetry")
    messages = {
        ast.literal_eval(call.args[place])
        for part in parts
        for path in (processes.ROOT / part).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logger.")
        for place in [1 if ast.unparse(call.func) == "logger.log" else 0]
        if len(call.args) > place and isinstance(call.args[place], ast.Constant)
    }
    assert len(messages) > 20
    nameless = {text for text in messages if re.search(r"(?<!=)%(?!%)", text)}
    assert nameless <= WITHOUT_NAMES


def test_every_line_of_a_worker_is_json_and_a_settled_delivery_is_one(told: Told) -> None:
    assert {entry["worker"] for entry in told.worker} == {told.worker[0]["worker"]}
    [settled] = [entry for entry in told.worker if entry.get("guid") == told.guid]
    about = (settled["event"], settled["repository"], settled["attempt"])
    assert about == ("push", "harbour-works/tide-tables", 1)
    assert (settled["status"], settled["notes"]) == ("succeeded", "main pushed with 3 commits, 3 of them new")
    assert settled["milliseconds"] > 0


def test_every_line_of_the_receiver_is_json_and_none_is_about_a_request(told: Told) -> None:
    messages = [line["message"] for line in told.receiver]
    assert all(messages)
    # It answered at least one request before it was taken to run, and the push.
    assert not any("/healthz" in message or "/webhooks" in message for message in messages)


def test_a_warning_of_python_is_a_line_of_json() -> None:
    code = "import django, warnings; django.setup(); warnings.warn('of a\\nlibrary')"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=processes.ROOT,
        env=processes.environment(LOG_FORMAT="json", DJANGO_SETTINGS_MODULE="settings"),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(told.stderr)
    assert (found["level"], found["logger"]) == ("warning", "py.warnings")
    assert "UserWarning: of a library" in found["message"]
