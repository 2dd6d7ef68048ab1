"""Finds the GitHub server of a delivery: numeric ids are unique within one server only.

A signature covers the body alone, so the payload's links take precedence over headers.
https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
"""

import re
from collections.abc import Iterable, Iterator, Mapping

GITHUB = "github.com"
_USUAL = f"https://{GITHUB}/"

# A name has at most 253 characters (RFC 1035). GitHub's links have no user information.
_HOST = r"([a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])\.?(?::[0-9]{0,5})?"
_LINK = re.compile(rf"https?://{_HOST}(?:[/?#]|\Z)", re.IGNORECASE)
_AUTHORITY = re.compile(_HOST, re.IGNORECASE)
_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)

# Where payloads have links to their own server, the most specific first. Other links are chosen by owners
# (`homepage`), apps (`details_url`, `target_url`) or senders (`client_payload`).
_SHARED = ("repository", "organization", "sender", "installation")
_OTHERS = (
    "enterprise", "comment", "review", "pull_request", "issue", "discussion", "release", "check_run",
    "check_suite", "workflow_job", "workflow_run", "workflow", "deployment_status", "deployment",
    "head_commit", "commit", "label", "milestone", "forkee", "member", "team", "account", "alert", "key",
)  # fmt: skip
_PLACES = (
    *((part, name) for part in _SHARED for name in ("html_url", "url")),
    ("repository", "clone_url"),
    ("repository", "owner", "html_url"),
    ("repository", "owner", "url"),
    ("installation", "access_tokens_url"),
    ("installation", "repositories_url"),
    ("installation", "account", "html_url"),
    ("installation", "account", "url"),
    *(("hook", name) for name in ("url", "ping_url", "deliveries_url")),
    *((part, name) for part in _OTHERS for name in ("html_url", "url")),
    ("compare",),
    ("url",),
)


def links_of(payload: object) -> Iterator[str]:
    """Yield the links of a payload to its own server, the most specific first."""
    for place in _PLACES:
        value = payload
        for name in place:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            yield value


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
