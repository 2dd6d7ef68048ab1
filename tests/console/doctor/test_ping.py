"""The ping of the doctor, and what its answer says."""

import http.client
import json
import socket
import ssl
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from console import signing
from console.doctor import answers, ping, posting
from console.doctor.answers import Answer
from console.doctor.findings import Status
from tests.console.doctor.proxies import answer, proxy

SMALL = ping.body(400_000)
HEADERS = ping.headers(b"a secret", SMALL)


def test_the_ping_is_as_large_as_it_says_and_names_no_hook() -> None:
    body = ping.body()
    assert len(body) == ping.SIZE == 24_000_000
    assert set(json.loads(body)) == {"zen", "padding"}


def test_its_guid_is_recognised_and_none_of_github() -> None:
    guids = {UUID(ping.headers(b"s", b"{}")["X-GitHub-Delivery"]) for _ in range(50)}
    assert len(guids) == 50
    assert {guid.version for guid in guids} == {8}
    assert all(ping.FIRST <= guid <= ping.LAST for guid in guids)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "ftp://a/b",
        "https://",
        "http://u:p@a/b",
        "http://a:b/",
        "http://a/\n",
        "http://[a/",
    ],
)
def test_a_url_without_scheme_or_host_or_with_a_password_is_refused(url: str) -> None:
    with pytest.raises(ping.TargetError):
        ping.target(url)


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://a/webhooks/github", ""),
        ("https://a/webhooks/github/", ""),
        ("https://a/prefix/webhooks/github/acme-web/", "acme-web"),
        ("https://a/elsewhere", ""),
    ],
)
def test_the_source_comes_from_the_path(url: str, source: str) -> None:
    assert signing.source_of(url) == source


@pytest.mark.parametrize(
    ("answered", "status", "seen", "advice"),
    [
        (Answer(0.4, 24, 202, is_receivers=True), Status.OK, "202 after 0.4 s", ""),
        (Answer(11, 24, 202, is_receivers=True), Status.WARNING, "202 after 11.0 s", "gives up after 10 s"),
        (Answer(1, 24, 200, "Apache"), Status.WRONG, "but from Apache", "nobody stores"),
        (Answer(1, 24, 301, location="/there"), Status.WRONG, "to /there", "does not follow redirects"),
        (Answer(1, 24, 400, is_receivers=True), Status.WRONG, "400", "manage.py rejections"),
        (Answer(1, 24, 401), Status.WRONG, "401", "sign-in"),
        (Answer(1, 24, 403, is_receivers=True), Status.WRONG, "403", "The secret here"),
        (Answer(1, 24, 403), Status.WRONG, "not from the receiver", "A firewall"),
        (Answer(1, 24, 404), Status.WRONG, "404", "/webhooks/github"),
        (Answer(1, 24, 408, is_receivers=True), Status.WRONG, "408", "longer than 7 s"),
        (Answer(1, 24, 408, "nginx"), Status.WRONG, "from nginx", "client_body_timeout"),
        (Answer(1, 24, 413, is_receivers=True), Status.WRONG, "413", "MAX_BODY_BYTES"),
        (Answer(1, 1, 413, "nginx"), Status.WRONG, "from nginx", "client_max_body_size 76m"),
        (Answer(1, 24, 418), Status.WRONG, "418", "log of the proxy"),
        (Answer(1, 24, 429), Status.WRONG, "429", "bursts"),
        (Answer(1, 24, 502), Status.WRONG, "502", "75 s"),
        (Answer(1, 24, 503, is_receivers=True), Status.WRONG, "503", "could not store"),
        (Answer(1, 24, 503), Status.WRONG, "503", "finds no receiver"),
        (Answer(1, 24, 504), Status.WRONG, "504", "did not answer the proxy"),
        (Answer(error=socket.gaierror(-2, "unknown")), Status.WRONG, "unknown", "DNS"),
        (Answer(error=ConnectionRefusedError()), Status.WRONG, "nothing listens", "Start the receiver"),
        (Answer(30, 0, error=TimeoutError()), Status.WRONG, "no answer after 30 s", "firewall"),
        (Answer(1, 1, error=ConnectionResetError()), Status.WRONG, "0.0 of 24.0 MB", "76 MB"),
        (Answer(1, 1, error=http.client.RemoteDisconnected("")), Status.WRONG, "ended after", "76 MB"),
        (Answer(error=OSError("no route")), Status.WRONG, "no route", "network"),
        (Answer(error=ssl.SSLError(1, "[SSL] no")), Status.WRONG, "TLS", "no usable TLS"),
    ],
)  # fmt: skip
def test_every_answer_is_explained(answered: Answer, status: Status, seen: str, advice: str) -> None:
    finding = answers.judged(answered, ping.SIZE)
    assert finding.status is status
    assert seen in finding.seen
    assert advice in finding.advice
    assert bool(finding.advice) == (status is not Status.OK)


def test_a_wrong_certificate_is_named_with_its_reason() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    finding = answers.judged(Answer(error=error), ping.SIZE)
    assert "certificate has expired" in finding.seen
    assert "GitHub refuses this certificate" in finding.advice


def test_a_proxy_that_refuses_the_body_before_it_has_come_is_heard() -> None:
    with proxy(answer("413 Content Too Large", "Server: nginx/1.26"), reads=1) as url:
        answered = posting.post(urlsplit(url), SMALL, HEADERS)
    assert (answered.status, answered.server, answered.is_receivers) == (413, "nginx/1.26", False)


def test_a_redirect_is_not_followed_and_its_query_is_not_shown() -> None:
    redirect = answer("302 Found", "Location: https://elsewhere.example/in?token=hidden")
    with proxy(redirect, reads=len(SMALL)) as url:
        answered = posting.post(urlsplit(url), SMALL, HEADERS)
    assert (answered.status, answered.location) == (302, "https://elsewhere.example/in")


def test_a_connection_that_is_cut_in_the_body_names_the_likely_limit() -> None:
    large = ping.body(8_000_000)
    with proxy(b"", reads=1_000_000) as url:
        answered = posting.post(urlsplit(url), large, ping.headers(b"s", large))
    assert answered.error is not None
    assert "client_max_body_size" in answers.judged(answered, len(large)).advice


def test_tls_with_a_port_without_it_is_explained() -> None:
    with proxy(answer("400 Bad Request")) as url:
        answered = posting.post(urlsplit(url.replace("http:", "https:")), SMALL, HEADERS)
    assert "TLS" in answers.judged(answered, len(SMALL)).seen
