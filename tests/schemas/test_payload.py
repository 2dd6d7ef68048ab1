"""From bytes to payload: valid JSON is read, and each kind of invalid JSON is an error of its own."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import schemas
from schemas import Event, _payload
from tests import github


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


@given(st.text(max_size=40), st.booleans())
def test_a_form_holds_the_same_json_as_a_plain_body(text: str, extra: bool) -> None:
    body = json.dumps({"text": text}).encode()
    form = urlencode({**({"other": "1"} if extra else {}), "payload": body}).encode()
    assert schemas.json_of(form, "application/x-www-form-urlencoded; charset=utf-8") == body
    assert schemas.json_of(body, "application/json") == body


@given(st.binary(max_size=60))
def test_any_bytes_have_an_envelope_or_are_no_json(body: bytes) -> None:
    try:
        json.loads(body.decode())
    except ValueError:
        with pytest.raises(schemas.NotJSONError):
            schemas.read_envelope(body)
    else:
        schemas.read_envelope(body)


def test_a_form_without_a_payload_is_an_error() -> None:
    with pytest.raises(schemas.NotJSONError, match="payload"):
        schemas.json_of(b"a=1&b=2", "application/x-www-form-urlencoded")


@pytest.mark.parametrize("depth", [150, 300])
def test_nesting_is_read_as_deep_as_it_can_be(depth: int) -> None:
    body = b'{"action": "opened", "x": ' + b"[" * depth + b"]" * depth + b"}"
    assert schemas.read_envelope(body).action == "opened"


def test_what_is_too_deep_has_an_empty_envelope_and_no_payload() -> None:
    body = b"[" * 50_000 + b"]" * 50_000
    assert schemas.read_envelope(body) == schemas.Envelope()
    with pytest.raises(schemas.TooDeepError):
        schemas.parse(Event, body)


@pytest.mark.parametrize(
    "part", [None, 5, "text", [], {}, {"id": "x"}, {"id": 2**70}, {"full_name": 7}, {"login": []}]
)
def test_a_part_that_is_not_as_expected_is_none_and_never_an_error(part: Any) -> None:
    body = json.dumps({"repository": part, "sender": part, "installation": part, "action": "opened"}).encode()
    envelope = schemas.read_envelope(body)
    assert envelope.action == "opened"
    for found in (envelope.repository, envelope.sender, envelope.installation):
        assert found is None or (found.id, found.full_name, found.login) == (None, None, None)


@pytest.mark.parametrize("case", sorted(path.stem for path in github.PAYLOADS.glob("*.json")))
def test_the_envelope_is_the_same_where_no_tree_may_be_built(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps(github.payload(case)).encode()
    envelope = schemas.read_envelope(body)
    monkeypatch.setattr(_payload, "MAX_SMALL_BODY", 0)
    monkeypatch.setattr(_payload, "MAX_VALUES", 0)
    assert schemas.read_envelope(body) == envelope


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
    assert schemas.read_envelope(b'{"x": 1, "action": "%b"}' % written).action == read
