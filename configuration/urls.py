"""Checks `REDIS_URL` and `DATABASE_URL` at start-up, without a connection.

Values that only the server can check, such as the password, are not checked here; a wrong one is an outage.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from configuration import redis_pools
from configuration.folders import usable

# Options of redis-py that a URL may set. Others would replace timeouts, decoding and retries that
# Hookkeeper's clients depend on.
REDIS_OPTIONS = {
    "client_name",
    "db",
    "health_check_interval",
    "password",
    "socket_keepalive",
    "ssl_ca_certs",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
    "username",
}
HIGHEST_PORT = 65535
# Bytes. PostgreSQL truncates a longer name: https://www.postgresql.org/docs/current/limits.html
LONGEST_DATABASE_NAME = 63
_INTEGERS = {
    "connect_timeout",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "tcp_user_timeout",
}


def redis(url: str) -> str:
    """Return the URL; raise `ImproperlyConfigured` if redis-py would reject it or ignore a part of it."""
    if not url.startswith(("redis://", "rediss://", "unix://", *redis_pools.SENTINEL_SCHEMES)):
        raise ImproperlyConfigured(
            "REDIS_URL must begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://."
        )
    try:
        sentinels = redis_pools.sentinels(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"REDIS_URL: {error}") from None
    _check_server(sentinels.server_url if sentinels else url)
    return url


def _check_server(url: str) -> None:
    """Raise unless redis-py accepts this URL of a server as it is."""
    try:
        url.encode()
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(
            "REDIS_URL: the host or the port is wrong; characters of a password are written %XX."
        ) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not set(options) <= REDIS_OPTIONS:
        raise ImproperlyConfigured(f"REDIS_URL: its options may be {', '.join(sorted(REDIS_OPTIONS))} alone.")
    if port == 0:
        raise ImproperlyConfigured("REDIS_URL: the port must lie between 1 and 65535.")
    if parts.fragment:
        raise ImproperlyConfigured("REDIS_URL: a # is written %23.")
    if parts.scheme == "unix":
        if not parts.path:
            raise ImproperlyConfigured("REDIS_URL: unix:// is followed by an absolute path.")
        database = options.get("db", "")
    else:
        database = options.get("db", unquote(parts.path).removeprefix("/"))
    if not re.fullmatch(r"[0-9]*", database):
        raise ImproperlyConfigured("REDIS_URL: the database must be a number.")
    try:
        ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError, RedisError):
        raise ImproperlyConfigured("REDIS_URL: redis-py does not accept one of its options.") from None


def sqlite(url: str) -> dict[str, Any]:
    """Return Django's settings for the URL of a file; raise `ImproperlyConfigured` if it is wrong."""
    parts = urlsplit(url)
    if not url.startswith("sqlite:///") or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "DATABASE_URL: sqlite:/// is followed by a path alone; in it, ? is written %3F and # %23."
        )
    name = unquote(parts.path[1:])
    path = Path(name).absolute()
    # Each connection to `:memory:` would have an empty database of its own.
    if name == ":memory:" or "\0" in name or (path.exists() and not path.is_file()):
        raise ImproperlyConfigured("DATABASE_URL: it must name a file.")
    usable(path.parent, "DATABASE_URL")
    return {**dj_database_url.parse(url, conn_max_age=None)}


def postgresql(url: str) -> dict[str, Any]:
    """Return Django's settings for the URL, as parsed by libpq: one or several hosts, and libpq's options.

    Raises `ImproperlyConfigured` if libpq rejects it. See
    https://www.postgresql.org/docs/current/libpq-connect.html
    """
    import psycopg  # noqa: PLC0415 - not loaded on SQLite
    from psycopg import conninfo  # noqa: PLC0415 - as above

    # libpq ends the password at the first; an error would then name the rest of it as a host.
    if url.partition("?")[0].count("@") > 1:
        raise ImproperlyConfigured("DATABASE_URL: in a user, a password or a name, @ is written %40.")
    try:
        found = conninfo.conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        raise ImproperlyConfigured(
            "DATABASE_URL: libpq does not accept it as a URL with its own options."
        ) from None
    ports = str(found.get("port", ""))
    if not all(_is_number(port, 1, HIGHEST_PORT) for port in ports.split(",") if port):
        raise ImproperlyConfigured("DATABASE_URL: each port must lie between 1 and 65535.")
    for name in sorted(_INTEGERS & set(found)):
        if not _is_number(str(found[name]), 0, 2**31 - 1):
            raise ImproperlyConfigured(f"DATABASE_URL: {name} must be a number.")
    _refuse_values(found)
    name = str(found.pop("dbname", ""))
    if (not name and "service" not in found) or len(name.encode()) > LONGEST_DATABASE_NAME:
        raise ImproperlyConfigured(
            f"DATABASE_URL: it must name a database, in at most {LONGEST_DATABASE_NAME} bytes."
        )
    # A host among the options, such as the folder of a socket, stays there, as in dj-database-url.
    authority = url.partition("://")[2].partition("/")[0]
    in_authority = authority.rpartition("@")[2].partition("?")[0] != ""
    return {
        "ENGINE": "database.postgresql",
        "NAME": name,
        "USER": found.pop("user", ""),
        "PASSWORD": found.pop("password", ""),
        "HOST": found.pop("host", "") if in_authority else "",
        "PORT": found.pop("port", "") if in_authority else "",
        "OPTIONS": found,
    }


def _is_number(text: str, least: int, most: int) -> bool:
    return re.fullmatch(r"[0-9]{1,10}", text) is not None and least <= int(text) <= most


def _refuse_values(found: dict[str, Any]) -> None:
    """Raise if libpq rejects the value of an option, such as `sslmode=nonsense`.

    libpq checks the values when a connection attempt starts, and has no function for the check alone. So this
    starts an attempt to a socket that does not exist, and does not wait for it.
    """
    from psycopg import conninfo, pq  # noqa: PLC0415 - not loaded on SQLite

    nowhere = {**found, "host": "/nonexistent", "port": "1"}
    nowhere.pop("hostaddr", None)
    attempt = pq.PGconn.connect_start(conninfo.make_conninfo(**nowhere).encode())
    said = attempt.error_message.decode(errors="replace")
    attempt.finish()
    if refused := re.match(r'invalid "?(\w+)"? value', said):
        raise ImproperlyConfigured(f"DATABASE_URL: the value of {refused[1]} is wrong.")
    if said.startswith(("weak ", "definition of service ", "service file ")):
        raise ImproperlyConfigured("DATABASE_URL: libpq does not accept its options.")
