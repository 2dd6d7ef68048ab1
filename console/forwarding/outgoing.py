"""The request that forwards a delivery: the exact bytes, GitHub's headers, a new signature. Pure."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from receiver import signatures
from receiver.models import Delivery

# The old signature, which some receivers still check:
# https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
LEGACY_HEADER = "X-Hub-Signature"
_FORWARDED = re.compile(r"X-GitHub-[A-Za-z0-9-]+|User-Agent", re.I)
# The characters that HTTP allows in a value: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
_VALUE = re.compile(r"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery that is ready to be sent."""

    id: int
    event: str
    guid: UUID
    headers: Mapping[str, str]
    body: bytes


def outgoing(delivery: Delivery, body: bytes, secret: bytes) -> Outgoing:
    """Return a delivery as GitHub would send it to a hook with this secret.

    The columns of the row come before its stored headers. Values that HTTP does not allow are left out.
    """
    stored = {name: value for name, value in delivery.headers.items() if _FORWARDED.fullmatch(name)}
    named = {"x-github-event", "x-github-delivery", "x-github-hook-id"}
    headers = {
        "Accept": "*/*",
        "Content-Type": delivery.content_type,
        **{name: value for name, value in stored.items() if name.lower() not in named},
        "X-GitHub-Delivery": str(delivery.guid),
        "X-GitHub-Event": delivery.event,
    }
    if delivery.hook_id:
        headers["X-GitHub-Hook-ID"] = str(delivery.hook_id)
    headers = {name: value for name, value in headers.items() if _VALUE.fullmatch(value)}
    headers[LEGACY_HEADER] = f"sha1={hmac.digest(secret, body, 'sha1').hex()}"
    headers[signatures.HEADER] = signatures.sign(secret, body)
    return Outgoing(delivery.pk, delivery.event, delivery.guid, headers, body)
