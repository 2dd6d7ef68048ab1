"""Connection pools of `REDIS_URL`: to one server, or to the primary that Sentinels name.

A pool for Sentinels asks them at each new connection, so its client follows a failover by itself:
https://redis.io/docs/latest/develop/reference/sentinel-clients/
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import redis
from redis import asyncio as redis_asyncio
from redis import sentinel
from redis.asyncio import sentinel as sentinel_asyncio

SENTINEL_SCHEMES = ("redis+sentinel://", "rediss+sentinel://")
# Options of the Sentinels; all others are those of the servers.
SENTINEL_OPTIONS = {"sentinel_username", "sentinel_password"}
SENTINEL_PORT = 26379
# Seconds for a connection and for each answer, unless a client sets others. Nothing that matters waits longer
# for Redis: workers look for deliveries and operations each second without it.
ANSWER_WITHIN = 2.0
# The same for a Sentinel. Two of three may be away while a command finds the primary in time.
SENTINEL_WITHIN = 0.5
_URL = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?P<user>[^/?#]*@)?(?P<hosts>[^/?#@]+)/(?P<service>[^/?#]+)"
    r"(?P<database>/[^/?#]*)?(?:\?(?P<options>[^#]*))?"
)
_ADDRESS = re.compile(r"(?P<host>[^\[\]:\s]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_HIGHEST_PORT = 65535
_DEFAULTS: dict[str, Any] = {
    # Without a name of the library, redis-py does not send CLIENT SETINFO, which is unknown before Redis 7.2
    # and which an ACL would have to allow.
    "lib_name": None,
    "lib_version": None,
    "socket_timeout": ANSWER_WITHIN,
    "socket_connect_timeout": ANSWER_WITHIN,
}


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The parts of a `redis+sentinel:` URL."""

    addresses: tuple[tuple[str, int], ...]
    service: str
    """The name by which the Sentinels know the primary."""
    options: dict[str, str]
    """User name and password of the Sentinels themselves."""
    server_url: str
    """The URL of a server in redis-py's format, whose host is a placeholder."""


def sentinels(url: str) -> Sentinels | None:
    """Return the parts of a URL of Sentinels; None if it names a server.

    Raises ValueError, without a part of the URL in its text, if the URL is malformed.
    """
    if not url.startswith(SENTINEL_SCHEMES):
        return None
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError("after redis+sentinel:// come host:port,host:port/name/database.")
    options = dict(parse_qsl(found["options"] or "", keep_blank_values=True))
    own = {name: options.pop(name) for name in SENTINEL_OPTIONS & set(options)}
    server = f"{found['scheme']}://{found['user'] or ''}primary{found['database'] or ''}?{urlencode(options)}"
    addresses = tuple(_address(text) for text in found["hosts"].split(","))
    return Sentinels(addresses, unquote(found["service"]), own, server)


def _address(text: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    port = int(found["port"] or SENTINEL_PORT) if found else 0
    if found is None or not 0 < port <= _HIGHEST_PORT:
        raise ValueError("a Sentinel is named by its host and a port between 1 and 65535.")
    return found["host"].strip("[]"), port


def synchronous(url: str, **options: Any) -> redis.ConnectionPool:
    """Return a pool for `redis.Redis.from_pool`; `options` are those of each connection to the server."""
    found = sentinels(url)
    if found is None:
        return redis.ConnectionPool.from_url(url, **{**_defaults(url), **options})
    own, server = _parameters(found)
    manager = sentinel.Sentinel(found.addresses, sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    return sentinel.SentinelConnectionPool(found.service, manager, **{**server, **options})  # type: ignore[no-untyped-call]


def asynchronous(url: str, **options: Any) -> redis_asyncio.ConnectionPool:
    """Return a pool for `redis.asyncio.Redis.from_pool`; `options` as above."""
    found = sentinels(url)
    if found is None:
        return redis_asyncio.ConnectionPool.from_url(url, **{**_defaults(url), **options})
    own, server = _parameters(found)
    manager = sentinel_asyncio.Sentinel(found.addresses, sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    return _AsynchronousPool(found.service, manager, **{**server, **options})  # type: ignore[no-untyped-call]


class CachePool:
    """The pool class that Django's cache expects."""

    from_url = staticmethod(synchronous)


class _AsynchronousPool(sentinel_asyncio.SentinelConnectionPool):
    """Closes its connections to the Sentinels with its own."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the idle connections; with `inuse_connections`, at the end, all of them."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for each in self.sentinel_manager.sentinels:
                await each.aclose()


def _defaults(server_url: str) -> dict[str, Any]:
    """Return the options of each connection that the URL does not set.

    A certificate is verified with the name of its server, which redis-py leaves out before version 6.
    """
    parts = urlsplit(server_url)
    if parts.scheme != "rediss" or dict(parse_qsl(parts.query)).get("ssl_cert_reqs") == "none":
        return _DEFAULTS
    return {**_DEFAULTS, "ssl_check_hostname": True}


def _parameters(found: Sentinels) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of a connection to a Sentinel, and to a server."""
    parsed = redis.ConnectionPool.from_url(found.server_url, **_defaults(found.server_url))
    server = {**parsed.connection_kwargs}
    del server["host"]
    tls = {name: value for name, value in server.items() if name.startswith("ssl_")}
    if issubclass(parsed.connection_class, redis.SSLConnection):
        server["ssl"] = tls["ssl"] = True
    names = {name.removeprefix("sentinel_"): value for name, value in found.options.items()}
    own = {
        **_DEFAULTS,
        **tls,
        **names,
        "socket_timeout": SENTINEL_WITHIN,
        "socket_connect_timeout": SENTINEL_WITHIN,
    }
    return own, server
