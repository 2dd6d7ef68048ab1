"""Finds the GitHub server of a delivery: numeric ids are unique within one server only.

A signature covers the body alone, so the payload's links take precedence over headers.
https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
"""

import re
from collections.abc import Iterable, Mapping

GITHUB = "github.com"
_USUAL = f"https://{GITHUB}/"

# A name has at most 253 characters (RFC 1035). GitHub's links have no user information.
_HOST = r"([a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])\.?(?::[0-9]{0,5})?"
_LINK = re.compile(rf"https?://{_HOST}(?:[/?#]|\Z)", re.IGNORECASE)
_AUTHORITY = re.compile(_HOST, re.IGNORECASE)
_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def server_of(links: Iterable[str | None], headers: Mapping[str, str]) -> str:
    """Return the host of the server, in lower case and without a port.

    `links` are the payload's own, the most specific first; unreadable ones are skipped. Without links, the
    host is `X-GitHub-Enterprise-Host`, else the tenant of GHE.com in `X-GitHub-Tenant`, else github.com.
    `headers` have the format of `Delivery.headers`.
    """
    for link in links:
        if link and link.startswith(_USUAL):
            return GITHUB
        if link and (found := _LINK.match(link)):
            return _web(found[1].lower())
    if found := _AUTHORITY.fullmatch(headers.get("X-GitHub-Enterprise-Host", "")):
        return _web(found[1].lower())
    tenant = headers.get("X-GitHub-Tenant", "")
    return f"{tenant.lower()}.ghe.com" if _TENANT.fullmatch(tenant) else GITHUB


def _web(host: str) -> str:
    """Return the host of the web pages for a host of the API, such as `api.octocorp.ghe.com`."""
    web = host.removeprefix("api.")
    return web if web == GITHUB or web.endswith(".ghe.com") else host
