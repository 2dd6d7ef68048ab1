"""The columns of a body are those that a parser of the whole JSON would find, and only JSON has any."""

import json
import re
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from receiver import envelopes
from tests import github
from tests.texts import CHARACTERS

NOTHING = envelopes.Columns(
    action="", repository_id=None, repository="", sender="", installation_id=None, number=None
)
TEXTS = st.text(CHARACTERS) | st.sampled_from(
    ["\x00", "a\x00b", "\ud800", "octo/x", "9", "-1", "2.0", "x" * 300]
)
PARTS = st.dictionaries(
    st.sampled_from(["id", "full_name", "login", "number", "url"]),
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXTS | st.lists(st.integers()),
)
NAMES = ["action", "repository", "sender", "installation", "pull_request", "issue", "commits"]
PAYLOADS = st.dictionaries(st.sampled_from(NAMES), st.none() | TEXTS | PARTS | st.lists(PARTS))
# JSON that differs from what is allowed by a byte or an escape.
ODD = [
    rb'{"x": "\q"}', rb'{"x": "\u12G4"}', b'{"x": "\x01"}', b'{"x": 01}', b'{"x": 1.}', b'{"x": NaN}',
    b'{"x": [1,]}', b'{"x": 1}x', b'{"x": 1e5000}', b"[]", b"null", b"", b"\x00", b'\xef\xbb\xbf{"x": 1}',
    rb'{"x": "\ud800"}', rb'{"action": "\ud800"}', b'{"x": "\xff"}', b'{"\xff": 1}', b'{"x": "\xed\xa0\x80"}',
    b'{"action": "a", "action": "b"}', rb'{"act\u0069on": "a"}', b'{"action": 1, x}', b"[1, x]", b"[",
    b'{"sender": {"login": "a"}, "sender": {"id": 1}}', b'{"sender": [], "action": "a", "x": "\\ud800"}',
    b'{"x": {"action": 1}, "issue": {"x": {"number": 1}}}', b' {"action" : [1, {"action": "a"}] } ',
    b'{"action": "a", "x": ' + b"[" * 300 + b"]" * 300 + b"}", b'{"x": ' + b"9" * 5000 + b"}",
]  # fmt: skip


def outcome(body: bytes) -> Any:
    try:
        return envelopes.read(body)
    except schemas.NotJSONError:
        return None


def expected(body: bytes) -> Any:
    """Return the columns by Python's parser."""
    try:
        payload = json.loads(body.decode(), parse_constant=_refuse, parse_int=_int)
    except ValueError:
        return None
    payload = payload if isinstance(payload, dict) else {}

    def part(*names: str) -> dict[str, Any]:
        return next((payload[name] for name in names if isinstance(payload.get(name), dict)), {})

    return envelopes.Columns(
        action=_text(payload.get("action")),
        repository_id=_number(part("repository").get("id")),
        repository=_text(part("repository").get("full_name")),
        sender=_text(part("sender").get("login")),
        installation_id=_number(part("installation").get("id")),
        number=_number(part("pull_request", "issue").get("number")),
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) < 4000 else float("inf")


def _text(value: Any) -> str:
    return schemas.storable(value)[: envelopes.MAX_TEXT] if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9][0-9]*)(\.0)?", value, re.ASCII):
        value = int(value.removesuffix(".0"))
    return value if type(value) is int and 0 <= value < 2**63 else None


@given(PAYLOADS, st.booleans())
def test_a_payload_has_columns_of_the_parts_that_are_as_expected(
    payload: dict[str, Any], ascii_only: bool
) -> None:
    body = json.dumps(payload, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert outcome(body) == expected(body)


@given(st.binary(max_size=40) | st.sampled_from(ODD), st.integers(0, 60), st.binary(max_size=2))
def test_any_bytes_have_columns_or_are_no_json(body: bytes, at: int, more: bytes) -> None:
    body = body[:at] + more + body[at:]
    assert outcome(body) == expected(body)


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_json_has_columns_or_is_no_json(body: bytes) -> None:
    assert outcome(body) == expected(body)


@pytest.mark.parametrize("case", sorted(path.stem for path in github.PAYLOADS.glob("*.json")))
def test_every_sample_has_its_columns(case: str) -> None:
    body = json.dumps(github.payload(case)).encode()
    assert envelopes.read(body) == expected(body)


@pytest.mark.parametrize(
    "part", [None, 5, "text", [], {}, {"id": "x"}, {"id": 2**70}, {"full_name": 7}, {"login": []}]
)
def test_a_part_that_is_not_as_expected_has_no_column_and_is_never_an_error(part: Any) -> None:
    body = json.dumps({"repository": part, "sender": part, "installation": part, "action": "opened"}).encode()
    assert envelopes.read(body) == {**NOTHING, "action": "opened"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\u0000", "\\u0000"),
        (rb"\\u0000", "\\u0000"),
        (rb"\\\u0000", "\\\\u0000"),
        (rb"\uD83D", "\\ud83d"),
        (rb"\uD83D\uDE00", "\U0001f600"),
        (rb"\uD83D\uD83D\uDE00\uDE00", "\\ud83d\U0001f600\\ude00"),
        (rb"\uD83D\u0000\uDE00", "\\ud83d\\u0000\\ude00"),
    ],
)
def test_escapes_that_no_text_may_hold_are_read_as_their_letters(written: bytes, read: str) -> None:
    assert envelopes.read(b'{"x": 1, "action": "%b"}' % written)["action"] == read
    assert envelopes.read(b'{"x": "%b", "action": "a"}' % written)["action"] == "a"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_what_is_nested_too_deeply_has_no_columns(opening: bytes) -> None:
    closing = bytes(reversed(opening.replace(b'"a":', b""))).translate(bytes.maketrans(b"[{", b"]}"))
    body = b'{"x": %b0%b, "action": "a"}'
    assert envelopes.read(body % (opening * 100, closing * 100)) == {**NOTHING, "action": "a"}
    assert envelopes.read(body % (opening * 100_000, closing * 100_000)) == NOTHING


@pytest.mark.parametrize("split", range(5))
def test_a_text_is_checked_across_the_slices(split: int) -> None:
    start = b'{"x": "'
    start += b" " * (envelopes.SLICE - len(start) - split)
    assert envelopes.read(start + '😀€é", "action": "é"}'.encode())["action"] == "é"
    for broken in (b"\xc3", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xff"):
        with pytest.raises(schemas.NotJSONError, match="UTF-8"):
            envelopes.read(start + broken + b'"}')


def test_a_body_with_too_many_escapes_to_mend_has_no_columns() -> None:
    body = rb'{"action": "a", "x": "\ud800%b"}'
    most = rb"\n" * (envelopes.MAX_ESCAPES - 1)
    assert envelopes.read(body % most)["action"] == "a"
    assert envelopes.read(body % (most + rb"\n")) == NOTHING
