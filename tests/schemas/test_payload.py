"""From bytes to payload: valid JSON is read, and each kind of invalid JSON is an error of its own."""

import json
import tracemalloc
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import schemas
from schemas import Event
from tests.texts import CHARACTERS


class Anything(BaseModel):
    """Holds any text under `text`."""

    text: str


def lone_surrogates_and_all() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec=None), max_size=30)  # None: any code point


@given(lone_surrogates_and_all())
def test_any_text_is_read_and_what_no_database_holds_is_escaped(text: str) -> None:
    read = schemas.parse(Anything, json.dumps({"text": text}).encode()).text
    read.encode()
    assert "\0" not in read
    # Two surrogates that stand together are one character in JSON.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "\ufffd" not in whole and "\0" not in text:
        assert read == whole


@given(st.text(CHARACTERS, max_size=40), st.booleans())
def test_a_form_holds_the_same_json_as_a_plain_body(text: str, extra: bool) -> None:
    body = json.dumps({"text": text}).encode()
    form = urlencode({**({"other": "1"} if extra else {}), "payload": body}).encode()
    assert schemas.json_of(form, "application/x-www-form-urlencoded; charset=utf-8") == body
    assert schemas.json_of(body, "application/json") == body


def test_a_form_without_a_payload_is_an_error() -> None:
    with pytest.raises(schemas.NotJSONError, match="payload"):
        schemas.json_of(b"a=1&b=2", "application/x-www-form-urlencoded")


def test_what_is_too_deep_is_no_payload() -> None:
    body = b"[" * 50_000 + b"]" * 50_000
    with pytest.raises(schemas.TooDeepError):
        schemas.parse(Event, body)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\u0000", "\\u0000"),
        (rb"\u0000\u0000", "\\u0000\\u0000"),
        (rb"\\u0000", "\\u0000"),
        (rb"\\\u0000", "\\\\u0000"),
        (rb"\n\n\n\u0000", "\n\n\n\\u0000"),
        (rb"\n\n\n\n\u0000", "\n\n\n\n\\u0000"),
        (rb"\\\\\\\\\u0000\n", "\\\\\\\\\\u0000\n"),
        (rb"\uD83D", "\\ud83d"),
        (rb"\uDE00\uD83D", "\\ude00\\ud83d"),
        (rb"\uD83D\uDE00", "\U0001f600"),
        (rb"\uD83D\uD83D\uDE00\uDE00", "\\ud83d\U0001f600\\ude00"),
        (rb"\\uD83D\uDE00", "\\uD83D\\ude00"),
        (rb"\uD83D\\uDE00", "\\ud83d\\uDE00"),
        (rb"\uD83D\u0000\uDE00", "\\ud83d\\u0000\\ude00"),
    ],
)
def test_escapes_that_no_text_may_hold_are_read_as_their_letters(written: bytes, read: str) -> None:
    assert schemas.parse(Anything, b'{"text": "%b"}' % written).text == read


@pytest.mark.parametrize(
    "member", [b'"text": null', b'"text": 5', b'"text": "\\u0000"', b'"text": "\\ud800"', b'"other": "a"']
)
def test_what_no_schema_reads_takes_no_memory_of_python_even_in_an_invalid_body(member: bytes) -> None:
    body = b'{"x": [%b0], %b}' % (b"[]," * 500_000, member)
    tracemalloc.start()
    try:
        with suppress(ValidationError):
            schemas.parse(Anything, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(body)  # a list of half a million lists takes twenty times as much
