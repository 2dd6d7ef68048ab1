"""Any signed body is an arrival or a refusal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import arrivals
from receiver.arrivals import Arrival, RejectedError
from receiver.signatures import Verifier
from tests import github
from tests.servers import SECRET
from tests.texts import CHARACTERS

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(CHARACTERS, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
envelopes = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["action", "repository", "sender", "installation"], json_values)
)


def read(body: bytes, **headers: str) -> Arrival:
    request = github.request("push", body)
    request.headers.update(headers)
    return arrivals.read(by_name(request), request.body, "", verifier(request.body), 25 * 1024 * 1024)


def by_name(request: github.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def verifier(body: bytes) -> Verifier:
    found = Verifier([SECRET.encode()])
    found.update(body)
    return found


@given(st.binary(max_size=300))
def test_any_signed_bytes_are_an_arrival_or_a_400(body: bytes) -> None:
    try:
        assert read(body).body == body
    except RejectedError as error:
        assert error.status == 400  # noqa: PT017 - either end is right


@given(envelopes)
def test_any_signed_json_object_is_an_arrival_whatever_its_parts_are(payload: dict[str, object]) -> None:
    for ascii_only in (True, False):
        body = json.dumps(payload, ensure_ascii=ascii_only).encode(errors="surrogatepass")
        try:
            arrival = read(body)
        except RejectedError:
            # Written raw, a lone surrogate is not UTF-8, and so not JSON.
            assert not ascii_only
            continue
        for text in (arrival.action, arrival.repository, arrival.sender):
            text.encode()
            assert "\0" not in text
            assert len(text) <= 255
        for number in (arrival.repository_id, arrival.installation_id):
            assert number is None or 0 <= number < 2**63


@pytest.mark.parametrize(
    "body",
    [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
     b"[]", b"null", b'"text"', b"17",
     b'{"repository": {"id": ' + b"9" * 6000 + b"}}", b'{"action": "\\ud800"}', b'{"action": "\\u0000"}',
     b'{"sender": null, "repository": null, "installation": null}'],
    ids=["deep array", "deep object", "array", "null", "text", "number", "huge number",
         "surrogate", "NUL", "nulls"],
)  # fmt: skip
def test_json_that_no_schema_would_take_is_an_arrival_all_the_same(body: bytes) -> None:
    assert read(body).body == body


def test_what_the_envelope_says_is_noted_on_the_arrival() -> None:
    payload = {**github.payload("issues__opened"), "installation": {"id": 7}}
    arrival = read(json.dumps(payload).encode())
    assert (arrival.action, arrival.sender, arrival.installation_id) == ("opened", "ada-quay", 7)
    assert (arrival.repository_id, arrival.repository) == (810200300, "harbour-works/tide-tables")


@given(
    name=st.sampled_from(["X-GitHub-Event", "X-GitHub-Delivery", "X-GitHub-Hook-ID"]),
    value=st.text(CHARACTERS, max_size=60),
)
def test_any_header_value_is_taken_or_a_400(name: str, value: str) -> None:
    try:
        read(b"{}", **{name: value})
    except RejectedError as error:
        assert error.status == 400  # noqa: PT017


def test_a_refusal_comes_before_anything_unsigned_is_looked_at() -> None:
    request = github.request("../../etc", b"no json", guid="no guid", secret="guess")
    with pytest.raises(RejectedError) as refused:
        arrivals.read(by_name(request), request.body, "", verifier(request.body), 25 * 1024 * 1024)
    assert refused.value.status == 403


def test_githubs_own_headers_are_kept_by_their_names_and_signatures_are_not() -> None:
    kept = read(b"{}").headers
    assert kept == {
        "X-GitHub-Delivery": kept["X-GitHub-Delivery"],
        "X-GitHub-Event": "push",
        "X-GitHub-Hook-ID": "470100500",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "User-Agent": "GitHub-Hookshot/044aadd",
    }


def test_headers_that_are_larger_or_more_than_githubs_are_not_kept() -> None:
    long, large = "X-GitHub-" + "x" * 60, "y" * (arrivals.MAX_HEADER + 1)
    kept = read(b"{}", **{"X-GitHub-Large": large, long: "1", "X-GitHub-Hook-Name": "web"}).headers
    assert kept["X-GitHub-Hook-Name"] == "web"
    assert not {"X-GitHub-Large", long, long.title()} & set(kept)
    assert "User-Agent" not in read(b"{}", **{"User-Agent": large}).headers
    many = read(b"{}", **{f"X-GitHub-Field-{number}": "1" for number in range(1000)}).headers
    assert len(many) <= arrivals.MAX_HEADERS + 1


def test_json_over_the_limit_in_a_form_is_a_413() -> None:
    request = github.request("push", b'{"a": 1}', form=True)
    with pytest.raises(RejectedError) as refused:
        arrivals.read(by_name(request), request.body, "", verifier(request.body), limit=7)
    assert refused.value.status == 413
