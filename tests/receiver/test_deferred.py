"""The receiver's own request and response are Django's to everybody who looks at them."""

from http import HTTPStatus
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.urls import resolve
from hypothesis import given
from hypothesis import strategies as st

from receiver import headers
from receiver.deferred import DeferredRequest, DeferredResponse
from receiver.signatures import Verifier

names = st.sampled_from([b"accept", b"content-type", b"user-agent", b"x-github-event", b"x-y"])
pairs = st.lists(st.tuples(names, st.binary(max_size=20)), max_size=6)


def scope(pairs: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http", "method": "POST", "path": "/webhooks/github/acme", "query_string": b"a=1",
        "headers": pairs, "client": ("192.0.2.7", 4000), "server": ("127.0.0.1", 8000), "scheme": "https",
    }  # fmt: skip


def request_of(pairs: list[tuple[bytes, bytes]]) -> DeferredRequest:
    return DeferredRequest(scope(pairs), resolve("/webhooks/github/acme"), Verifier([]), 1.0)


@given(pairs)
def test_the_headers_of_a_scope_are_those_that_django_reads_where_each_is_written_once(
    pairs: list[tuple[bytes, bytes]],
) -> None:
    once = list(dict.fromkeys(pairs))
    assert headers.of_scope(pairs) == headers.of(ASGIRequest(scope(once), BytesIO()))


def test_a_request_is_djangos_own() -> None:
    sent = [(b"x-github-event", b"push"), (b"content-type", b"application/json; charset=utf-8")]
    ours, djangos = request_of(sent), ASGIRequest(scope(sent), BytesIO())
    assert djangos.META == ours.META
    for name in ("path", "path_info", "method", "scheme", "content_type", "encoding", "GET", "COOKIES"):
        assert getattr(ours, name) == getattr(djangos, name)
    assert ours.headers["X-GitHub-Event"] == "push"
    assert ours.resolver_match.kwargs == {"source": "acme"}


def test_a_response_is_djangos_own() -> None:
    ours = DeferredResponse(HTTPStatus.ACCEPTED, '{"a": 1}')
    djangos = HttpResponse('{"a": 1}', content_type="application/json", status=202)
    assert ours.serialize() == djangos.serialize()
    assert (ours.status_code, ours.reason_phrase, ours.closed) == (202, "Accepted", False)


def test_what_was_set_before_is_kept() -> None:
    response = DeferredResponse(HTTPStatus.OK, "{}")
    response.content = b"[]"
    response["X-Of-A-Middleware"] = "1"
    assert (response.content, response["X-Of-A-Middleware"]) == (b"[]", "1")


def test_an_attribute_that_django_does_not_have_is_missing_and_changes_nothing() -> None:
    response = DeferredResponse(HTTPStatus.OK, "{}")
    response["X-Kept"] = "1"
    for _ in range(2):
        with pytest.raises(AttributeError):
            response.rendered  # noqa: B018
    assert response["X-Kept"] == "1"
