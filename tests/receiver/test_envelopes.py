"""The columns of a body: the fast way and the careful one agree on every body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from receiver import envelopes
from tests import github

TEXTS = st.text() | st.sampled_from(["\x00", "a\x00b", "octo/x", "9"])
PARTS = st.dictionaries(
    st.sampled_from(["id", "full_name", "login", "number", "url"]),
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS | st.lists(st.integers()),
)
NAMES = ["action", "repository", "sender", "installation", "pull_request", "issue", "commits"]
PAYLOADS = st.dictionaries(st.sampled_from(NAMES), st.none() | TEXTS | PARTS | st.lists(PARTS))
# JSON that differs from what is allowed by a byte or an escape.
ODD = [
    rb'{"x": "\q"}', rb'{"x": "\u12G4"}', b'{"x": "\x01"}', b'{"x": 01}', b'{"x": 1.}', b'{"x": NaN}',
    b'{"x": [1,]}', b'{"x": 1}x', b'{"x": 1e5000}', b"[]", b"null", b"", b"\x00", b'\xef\xbb\xbf{"x": 1}',
    rb'{"x": "\ud800"}', rb'{"action": "\ud800"}', b'{"x": "\xff"}', b'{"\xff": 1}', b'{"x": "\xed\xa0\x80"}',
    b'{"action": "a", "action": "b"}', rb'{"act\u0069on": "a"}',
    b'{"sender": {"login": "a"}, "sender": {"id": 1}}',
    b'{"x": ' + b"[" * 300 + b"]" * 300 + b"}", b"[" * 50_000 + b"]" * 50_000,
]  # fmt: skip


def outcome(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except schemas.NotJSONError as error:
        return str(error)


def carefully(body: bytes) -> envelopes.Columns:
    return envelopes.columns(schemas.read_envelope(body))


@given(PAYLOADS, st.booleans())
def test_any_payload_has_the_same_columns(payload: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(payload, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert outcome(envelopes.read, body) == outcome(carefully, body)


@given(st.binary(max_size=40) | st.sampled_from(ODD), st.integers(0, 60), st.binary(max_size=2))
def test_any_bytes_have_the_same_columns_or_the_same_error(body: bytes, at: int, more: bytes) -> None:
    body = body[:at] + more + body[at:]
    assert outcome(envelopes.read, body) == outcome(carefully, body)


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_json_has_the_same_columns_or_the_same_error(body: bytes) -> None:
    assert outcome(envelopes.read, body) == outcome(carefully, body)


CASES = sorted(path.stem for path in github.PAYLOADS.glob("*.json") if path.stem != "push__text_not_storable")


@pytest.mark.parametrize("case", CASES)
def test_every_sample_is_read_without_the_careful_way(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(github.payload(case)).encode()
    expected = carefully(body)
    monkeypatch.delattr(schemas, "read_envelope")
    assert envelopes.read(body) == expected
