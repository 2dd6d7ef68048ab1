"""Which GitHub server a delivery is from: numeric ids are unique within one server only.

A signature covers the body, so the payload's own links come before any header.
https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
"""

import re
from collections.abc import Iterable, Mapping

GITHUB = "github.com"

# A name has at most 253 characters (RFC 1035). GitHub's links have no user information.
_HOST = r"([a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])\.?(?::[0-9]{0,5})?"
_LINK = re.compile(rf"https?://{_HOST}(?:[/?#]|\Z)", re.IGNORECASE)
_AUTHORITY = re.compile(_HOST, re.IGNORECASE)
_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def server_of(links: Iterable[str | None], headers: Mapping[str, str]) -> str:
    """Return the server's host, in lower case and without a port: one host is one server, whatever its ports.

    `links` are the payload's own, most telling first; one that cannot be read is passed over. Without any, it
    is `X-GitHub-Enterprise-Host`, else the tenant of GHE.com that `X-GitHub-Tenant` names, else github.com.
    `headers` are as `Delivery.headers` keeps them.
    """
    for link in links:
        if link and (found := _LINK.match(link)):
            return _web(found[1].lower())
    if found := _AUTHORITY.fullmatch(headers.get("X-GitHub-Enterprise-Host", "")):
        return _web(found[1].lower())
    tenant = headers.get("X-GitHub-Tenant", "")
    return f"{tenant.lower()}.ghe.com" if _TENANT.fullmatch(tenant) else GITHUB


def _web(host: str) -> str:
    """Return the host of the web pages for that of the API: `api.github.com`, `api.octocorp.ghe.com`."""
    web = host.removeprefix("api.")
    return web if web == GITHUB or web.endswith(".ghe.com") else host
