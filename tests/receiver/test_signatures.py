"""Signatures: GitHub's own example is right, and everything else is not."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import signatures
from tests.texts import CHARACTERS

bodies = st.binary(max_size=200)
secrets = st.binary(min_size=1, max_size=40)


def test_githubs_published_example_verifies() -> None:
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signatures.verify([b"It's a Secret to Everybody"], b"Hello, World!", header) == 0


@given(secret=secrets, body=bodies)
def test_a_signature_is_the_hmac_of_the_exact_bytes(secret: bytes, body: bytes) -> None:
    assert signatures.sign(secret, body) == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


@given(known=st.lists(secrets, min_size=1, max_size=4, unique=True), body=bodies, data=st.data())
def test_any_of_several_secrets_verifies_and_its_position_is_returned(
    known: list[bytes], body: bytes, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(known) - 1))
    header = "sha256=" + hmac.new(known[position], body, hashlib.sha256).hexdigest()
    assert signatures.verify(known, body, header) == position


@given(secret=secrets, other=secrets, body=bodies)
def test_another_secret_never_verifies(secret: bytes, other: bytes, body: bytes) -> None:
    # HMAC pads a key with zeros to its block, so those two are one key.
    if secret.rstrip(b"\0") == other.rstrip(b"\0"):
        return
    with pytest.raises(signatures.SignatureMismatchError):
        signatures.verify([secret], body, signatures.sign(other, body))


@given(secret=secrets, body=bodies, changed=bodies)
def test_another_body_never_verifies(secret: bytes, body: bytes, changed: bytes) -> None:
    if body == changed:
        return
    with pytest.raises(signatures.SignatureMismatchError):
        signatures.verify([secret], changed, signatures.sign(secret, body))


@given(header=st.text(CHARACTERS, max_size=90), body=bodies)
def test_no_text_but_the_signature_is_accepted_and_none_raises_anything_else(
    header: str, body: bytes
) -> None:
    if header == signatures.sign(b"secret", body):
        return
    with pytest.raises(signatures.SignatureError):
        signatures.verify([b"secret"], body, header)


@pytest.mark.parametrize(
    "mutate",
    [str.upper, lambda h: h[:-1], lambda h: h + "0", lambda h: f"{h},{h}", lambda h: f"{h}\n",
     lambda h: f" {h}",
     lambda h: h.replace("sha256", "sha1"), lambda h: h.removeprefix("sha256="), lambda h: h[:-1] + "é"],
)  # fmt: skip
def test_a_right_signature_in_the_wrong_form_is_malformed(mutate: "object") -> None:
    assert callable(mutate)
    with pytest.raises(signatures.SignatureMalformedError):
        signatures.verify([b"secret"], b"body", mutate(signatures.sign(b"secret", b"body")))


@pytest.mark.parametrize("header", [None, ""])
def test_no_signature_is_missing(header: str | None) -> None:
    with pytest.raises(signatures.SignatureMissingError):
        signatures.verify([b"secret"], b"body", header)


def test_without_secrets_nothing_verifies() -> None:
    with pytest.raises(signatures.SignatureMismatchError):
        signatures.verify([], b"body", signatures.sign(b"", b"body"))
