"""Posts the doctor's ping, follows it through the ledger, and removes it."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult
from uuid import UUID

from django.db import models

from console import signing
from console.doctor import answers, ping, services
from console.doctor.answers import Answer
from console.doctor.findings import Finding, Status
from console.forwarding.target import Address
from database import row_sets
from receiver.models import TERMINAL, Delivery

# Seconds that one step of the connection may take: resolving, connecting, each write, the answer.
STEP_LIMIT = 30.0
# Seconds for a worker to settle the ping.
SETTLED_WITHIN = 15.0
LOOK_INTERVAL = 0.1  # seconds
# Seconds for the whole check of the webhook.
WEBHOOK_LIMIT = 90.0
CHUNK = 64 * 1024  # bytes
LONGEST_ANSWER = 64 * 1024  # bytes
# A ping that is younger may belong to a doctor that still waits for it.
LEFT_BEHIND = timedelta(minutes=10)

Accept = Callable[[str, Address], bool]
"""Decides whether a ping may go to this address of a host."""


def any_address(_host: str, _address: Address) -> bool:
    """Accept every address: the user of a shell can reach them anyway."""
    return True


def check_webhook(url: str, accept: Accept = any_address) -> Iterator[Finding]:
    """Post a signed ping of 24 MB to a URL, as GitHub would; check that it is stored here and processed."""
    try:
        parts = ping.target(url)
        secret = signing.secret(signing.source_of(parts.path))
    except (ping.TargetError, signing.NoSecretError) as error:
        yield Finding(
            "webhook", Status.WRONG, f"no ping was sent: {error}", "Correct it, and run this again."
        )
        return
    content = ping.body()
    headers = ping.headers(secret, content)
    finding = answers.judged(post(parts, content, headers, accept), len(content))
    yield finding
    if finding.status is not Status.WRONG:
        services.require_database()
        yield _followed(UUID(headers["X-GitHub-Delivery"]))
        remove_left_behind()


def post(parts: SplitResult, content: bytes, headers: dict[str, str], accept: Accept = any_address) -> Answer:
    """Post once, without following redirects; return the answer, or why there is none."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for start in range(0, len(content), CHUNK):
            yield content[start : start + CHUNK]
            sent = min(start + CHUNK, len(content))

    connection = _connection(parts)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    started = time.monotonic()
    try:
        connection.sock = _socket(connection, accept)
        try:
            connection.request("POST", path, chunks(), headers)
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a large body answers and closes before it has read the whole.
            if not sent:
                raise
        response = connection.getresponse()
        answered = response.read(LONGEST_ANSWER)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Answer(time.monotonic() - started, sent, error=error)
    finally:
        connection.close()
    return Answer(
        time.monotonic() - started,
        sent,
        response.status,
        response.getheader("Server", "")[:100],
        response.getheader("Location", "").partition("?")[0][:200],
        answers.is_receivers(answered),
    )


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # Without a port it would take the last part of an IPv6 address for one.
    return kind(parts.hostname or "", parts.port or kind.default_port)


def _socket(connection: http.client.HTTPConnection, accept: Accept) -> socket.socket:
    """Return a connected socket. The name is looked up once, so `accept` sees the address that is used."""
    failure: OSError = PermissionError("the name leads to an address to which a page may not send")
    for *_, at in socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM):
        # An address of one link has a zone after "%".
        if not accept(connection.host, ip_address(str(at[0]).partition("%")[0])):
            continue
        try:
            found = socket.create_connection((str(at[0]), connection.port), STEP_LIMIT)
        except OSError as error:
            failure = error
            continue
        if isinstance(connection, http.client.HTTPSConnection):
            return ssl.create_default_context().wrap_socket(found, server_hostname=connection.host)
        return found
    raise failure


def _followed(guid: UUID) -> Finding:
    """Wait until the ping is settled, and remove it."""
    row = Delivery.objects.filter(guid=guid, event="ping", hook_id=0)
    status = row.values_list("status", flat=True)
    started = time.monotonic()
    if status.first() is None:
        return Finding(
            "processing",
            Status.WRONG,
            "the ping was accepted, and the database here does not have it",
            "The URL leads to another installation, or DATABASE_URL differs between it and this process.",
        )
    while status.first() not in TERMINAL:
        if time.monotonic() > started + SETTLED_WITHIN:
            return Finding(
                "processing",
                Status.WARNING,
                f"no worker settled the ping within {SETTLED_WITHIN:.0f} s",
                f"See `manage.py queue`. The ping stays in the ledger, as User-Agent {ping.AGENT}; a later "
                "doctor removes it.",
            )
        time.sleep(LOOK_INTERVAL)
    took, ended = time.monotonic() - started, status.first()
    row.delete()
    if ended == "succeeded":
        return Finding(
            "processing", Status.OK, f"a worker settled the ping after {took:.1f} s; it is removed"
        )
    return Finding(
        "processing", Status.WRONG, f"the ping ended as {ended}; it is removed", "See the worker's log."
    )


def remove_left_behind() -> int:
    """Remove settled pings of doctors that did not wait for them; return their number."""
    rows = Delivery.objects.filter(
        models.Q(status__in=sorted(TERMINAL)),
        guid__range=(ping.FIRST, ping.LAST),
        event="ping",
        hook_id=0,
        received_at__lt=row_sets.clock() - LEFT_BEHIND,
    )
    ours = [
        pk for pk, headers in rows.values_list("pk", "headers") if headers.get("User-Agent") == ping.AGENT
    ]
    Delivery.objects.filter(pk__in=ours).delete()
    return len(ours)
