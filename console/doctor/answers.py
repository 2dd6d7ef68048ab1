"""Concludes from the answer to the ping what is wrong on the way to the receiver. Pure."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from console.doctor.findings import Finding, Status

# GitHub gives up on a delivery after ten seconds.
GITHUB_WAITS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, or the reason why none came."""

    took: float = 0.0
    """Seconds, from the connection on."""
    sent: int = 0
    """Bytes of the body that were handed to the connection."""
    status: int = 0
    """0 if there was no answer."""
    server: str = ""
    """The header `Server`."""
    location: str = ""
    is_receivers: bool = False
    """Whether it is JSON as the receiver answers."""
    error: Exception | None = None


def judged(answer: Answer, size: int) -> Finding:
    """Return what the answer to a ping of so many bytes says about the way to the receiver."""
    if answer.error is not None:
        seen, advice = _without_answer(answer, answer.error, size)
        return Finding("webhook", Status.WRONG, seen, advice)
    seen = f"{answer.status} after {answer.took:.1f} s, for a ping of {size / 1e6:.0f} MB"
    if answer.status in {HTTPStatus.OK, HTTPStatus.ACCEPTED} and answer.is_receivers:
        if answer.took > GITHUB_WAITS:
            return Finding(
                "webhook",
                Status.WARNING,
                seen,
                "GitHub gives up after 10 s: the network, a proxy or the database is too slow for it.",
            )
        return Finding("webhook", Status.OK, seen)
    if not answer.is_receivers:
        seen += f", not from the receiver{f' but from {answer.server}' if answer.server else ''}"
    if answer.location:
        seen += f", to {answer.location}"
    return Finding("webhook", Status.WRONG, seen, _advice(answer))


def _advice(answer: Answer) -> str:
    ours = RECEIVERS.get(answer.status) if answer.is_receivers else None
    if ours or answer.status in PROXIES:
        return ours or PROXIES[answer.status]
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return "GitHub does not follow redirects: give the hook, and --url, the address that it leads to."
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return "Something else answers here, and takes deliveries that nobody stores: correct the URL."
    return "Look up this status in the log of the proxy before the receiver."


# The advice by status, where the receiver itself answers.
RECEIVERS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "A proxy drops or changes a header: see `manage.py rejections`.",
    HTTPStatus.FORBIDDEN: (
        "The secret here is not the receiver's, or a proxy changes the body, which must pass byte for byte."
    ),
    HTTPStatus.REQUEST_TIMEOUT: (
        "The body took longer than 7 s to reach the receiver: a proxy or the network is slow."
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "MAX_BODY_BYTES is lower than what GitHub sends (26214400 is enough), or the path is not the "
        "webhook's: /webhooks/github or /webhooks/github/<source>."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: "The receiver could not store it: see its log, and the database.",
}
# The advice by status, where a proxy before the receiver answers.
PROXIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "The proxy asks for a sign-in: exempt the webhook path from it.",
    HTTPStatus.FORBIDDEN: "A firewall refuses it: allow every POST to the webhook path.",
    HTTPStatus.NOT_FOUND: (
        "Nothing serves this path: the webhook is at /webhooks/github or /webhooks/github/<source>."
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: "POST does not reach the receiver: correct the proxy's routes.",
    HTTPStatus.REQUEST_TIMEOUT: (
        "The proxy did not wait for the body: raise its time limit (nginx: client_body_timeout)."
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The proxy limits bodies: accept 76 MB, as a form is larger than its 25 MB of JSON "
        "(nginx: `client_max_body_size 76m;`). GitHub does not send again."
    ),
    HTTPStatus.TOO_MANY_REQUESTS: "The proxy limits requests: GitHub sends in bursts, and not again.",
    HTTPStatus.BAD_GATEWAY: (
        "The proxy gets no answer from the receiver: it is not running, at another address, or the proxy "
        "keeps connections open for longer than it does (75 s)."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: "The proxy finds no receiver: start one, or correct the proxy's target.",
    HTTPStatus.GATEWAY_TIMEOUT: "The receiver did not answer the proxy in time: see the receiver's log.",
}


def _without_answer(answer: Answer, error: Exception, size: int) -> tuple[str, str]:
    sent, whole = f"{answer.sent / 1e6:.1f}", f"{size / 1e6:.1f}"
    match error:
        case ssl.SSLCertVerificationError():
            seen = f"TLS: {error.verify_message}"
            advice = (
                "GitHub refuses this certificate, too: serve one that is valid for this name, with its "
                "whole chain."
            )
        case ssl.SSLError():
            seen = f"TLS: {error}"
            advice = "There is no usable TLS at this port: correct the URL or the proxy."
        case socket.gaierror():
            seen = f"the name does not resolve: {error.strerror}"
            advice = "Correct the URL, or the entry in the DNS."
        case ConnectionRefusedError():
            seen, advice = "nothing listens there", "Start the receiver or the proxy, or correct the URL."
        case TimeoutError():
            seen = f"no answer after {answer.took:.0f} s, with {sent} of {whole} MB sent"
            advice = "A firewall drops the connection, or a proxy reads the body and does not pass it on."
        case OSError() | http.client.HTTPException() if answer.sent:
            seen = f"the connection ended after {sent} of {whole} MB, without an answer"
            advice = (
                "A proxy that limits bodies may end it so: accept 76 MB (nginx: `client_max_body_size 76m;`)."
            )
        case _:
            seen = f"no connection: {error}"
            advice = "Correct the URL, or the network between here and there."
    return seen, advice


def is_receivers(content: bytes) -> bool:
    """Return whether this is the body of an answer of the receiver."""
    try:
        found = json.loads(content)
    except ValueError:
        return False
    return isinstance(found, dict) and ("error" in found or {"guid", "status"} <= found.keys())
