"""Hostile requests, byte for byte over a socket: never a 500, never accepted without a right signature."""

import json
import socket
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from receiver.models import Delivery
from tests import github, servers
from tests.servers import ACME_SECRET, SECRET
from tests.texts import CHARACTERS

pytestmark = pytest.mark.django_db(transaction=True)

bodies = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"[]",
            b"{}",
            b"null",
            b"\xff\xfe",
            b'{"action": "\\u0000"}',
            b'{"action": "\\ud83c"}',
            b'{"action": "a\x00b"}',
            b'{"repository": {"id": ' + b"9" * 5000 + b"}}",
            b'{"repository": {"id": 1e999, "full_name": ["x"]}, "sender": 5}',
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"0" + b"}" * 10_000,
            b"payload=%7B%7D",
            b"payload=%ff",
        ]
    ),
    st.dictionaries(
        st.sampled_from(["action", "repository", "sender", "installation"]), st.text(CHARACTERS), max_size=4
    ).map(lambda value: json.dumps(value).encode()),
)
Mutation = tuple[str, bytes]


def mutations(right: bytes, body: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return lines of `X-Hub-Signature-256`: the right one, none, or an almost right one."""
    line = b"X-Hub-Signature-256: "
    changed = st.sampled_from(
        [
            right.upper(),
            b"sha256=" + right[7:].upper(),
            right[:-1],
            right[7:],
            b"sha1=" + right[7:47],
            right[:-2] + b"\xc3\xa9",
            right + b"," + right,
            right + b" x",
            b"sha256=" + b"0" * 64,
            github.signature(body, "guess").encode(),
            github.signature(body, ACME_SECRET).encode(),
            github.signature(body + b" ").encode(),
        ]
    )
    return st.one_of(
        st.just([line + right]),
        st.just([]),
        st.just([line + right, line + right]),
        st.just([b"X-Hub-Signature: " + right]),
        changed.map(lambda value: [line + value]),
        st.binary(max_size=80)
        .filter(lambda value: not set(value) & set(b"\r\n\0"))
        .map(lambda value: [line + value]),
    )


def send(url: str, head: list[bytes], body: bytes) -> int:
    """Send exactly these bytes; return the status of the answer."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(
            b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"Connection: close", b"", body])
        )
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1])


@hypothesis_settings(
    max_examples=servers.examples(60, 600),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), body=bodies, form=st.booleans())
def test_nothing_hostile_is_a_500_and_only_a_right_signature_is_accepted(
    receiver_url: str, data: st.DataObject, body: bytes, form: bool
) -> None:
    right = github.signature(body, SECRET).encode()
    signature = data.draw(mutations(right, body))
    guid = uuid4()
    head = [
        b"POST /webhooks/github HTTP/1.1",
        b"Host: localhost",
        b"Content-Type: " + (b"application/x-www-form-urlencoded" if form else b"application/json"),
        b"X-GitHub-Event: push",
        b"X-GitHub-Delivery: " + str(guid).encode(),
        *signature,
    ]
    status = send(receiver_url, head, body)
    # A proxy may write it twice.
    signed = set(signature) == {b"X-Hub-Signature-256: " + right}
    assert status in {202, 400, 403}
    assert signed or status in {400, 403}
    assert Delivery.objects.filter(guid=guid).exists() is (status == 202)


@hypothesis_settings(
    max_examples=servers.examples(20, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    path=st.binary(max_size=40).filter(lambda value: not set(value) & set(b" \r\n\0\t\x0b\x0c")),
    method=st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD"]),
)
def test_no_path_is_a_500(receiver_url: str, path: bytes, method: bytes) -> None:
    status = send(receiver_url, [method + b" /webhooks/" + path + b" HTTP/1.1", b"Host: localhost"], b"{}")
    assert status < 500


def test_a_query_that_is_not_utf_8_is_not_a_500(receiver_url: str) -> None:
    for path in (
        b"/webhooks/github?\xff\xfe",
        b"/webhooks/github?a=\xc3",
        b"/webhooks/\xff",
        b"/healthz?\xff",
    ):
        for method in (b"GET", b"POST"):
            assert send(receiver_url, [method + b" " + path + b" HTTP/1.1", b"Host: localhost"], b"{}") < 500
