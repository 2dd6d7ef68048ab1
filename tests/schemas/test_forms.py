"""A form's payload equals what `urllib` reads, wherever the form is cut."""

import json
import tracemalloc
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas import _forms
from tests.texts import CHARACTERS

FORM = "application/x-www-form-urlencoded"
# Every token with a meaning in a form or in percent-encoding, whole and in part.
PIECES = b"%,%%,%4,%4a,%4A,%zz,%+,%=,%\n,%\r\n,%0A,%25,%FF,+,=,==,=41,=\n,\n,\r, ,\t,_,a,0,\0,\xff,.".split(
    b","
)
pieces = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=20).map(b"".join)


def urllibs(form: bytes) -> bytes | None:
    """Return the first field `payload` as the standard library reads it."""
    fields = parse_qsl(form.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return next((value.encode("latin-1") for name, value in fields if name == "payload"), None)


def ours(form: bytes) -> bytes | None:
    try:
        return schemas.json_of(form, FORM)
    except schemas.NotJSONError:
        return None


@given(pieces)
def test_any_escapes_are_decoded_as_urllib_decodes_them(piece: bytes) -> None:
    assert _forms.unescape(piece) == unquote_to_bytes(piece.replace(b"+", b" "))


@given(pieces.map(lambda piece: piece.replace(b"&", b"")), st.integers(3, 12))
def test_an_escape_may_lie_on_the_edge_of_a_slice(piece: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_forms, "SLICE", size)
        assert ours(b"payload=" + piece) == unquote_to_bytes(piece.replace(b"+", b" "))


@given(
    st.lists(
        st.one_of(pieces, st.sampled_from([b"payload", b"p%61yload", b"%70%61%79%6C%6f%61%64", b"&", b"="])),
        max_size=6,
    ).map(b"".join)
)
def test_the_field_is_the_one_that_urllib_finds_first(form: bytes) -> None:
    assert ours(form) == urllibs(form)


@given(
    st.dictionaries(st.sampled_from(["payload", "other", "pay load", ""]), st.text(CHARACTERS), min_size=1)
)
def test_what_urllib_writes_is_read(fields: dict[str, str]) -> None:
    expected = fields["payload"].encode() if "payload" in fields else None
    assert ours(urlencode(fields).encode()) == expected


def test_a_field_behind_a_thousand_others_is_not_looked_for() -> None:
    assert ours(b"a=1&" * (_forms.MAX_FIELDS - 1) + b"payload=1") == b"1"
    assert ours(b"a=1&" * _forms.MAX_FIELDS + b"payload=1") is None


def test_a_payload_over_the_limit_is_refused_before_it_is_decoded_whole() -> None:
    body = b"payload=" + b"%22" * 1000
    assert schemas.json_of(body, FORM, at_most=1000) == b'"' * 1000
    with pytest.raises(schemas.TooLongError):
        schemas.json_of(body, FORM, at_most=999)


@pytest.mark.parametrize("write", [quote_plus, lambda text: "".join(f"%{ord(each):02x}" for each in text)])
def test_a_large_form_takes_little_beside_its_payload(write: Any) -> None:
    payload = json.dumps({"commits": [{"message": "tide, and 'harbour'", "id": 7}] * 40_000})
    form = f"payload={write(payload)}".encode()
    tracemalloc.start()
    try:
        assert len(schemas.json_of(form, FORM)) == len(payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The buffer is up to an eighth larger than its content; decoding needs some slices.
    assert peak < len(payload) * 9 / 8 + 8 * _forms.SLICE
