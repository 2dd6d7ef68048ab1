"""All settings of Hookkeeper, read from the environment.

The docstring below the line that reads a variable is its row in `docs/reference/settings.md`: see
`dev/reference`. A wrong value ends the process with one line that names the variable, and shows no
value that may be a secret.
"""

import hashlib
import ipaddress
import logging
import os
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from environs import Env

from configuration import github, urls
from configuration.folders import usable
from configuration.secrets import value_or_file, webhook_secrets
from configuration.stopping import stop_if_wrong
from configuration.values import SWITCH, must_be

BASE_DIR = Path(__file__).resolve().parent
# Each process logs it when it starts; the console shows it at the foot of its pages.
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# Bytes. Every supported system accepts a path of this length for a unix socket (macOS: 104).
LONGEST_SOCKET_PATH = 100
# Bytes. SQLite cannot store a larger value: https://www.sqlite.org/limits.html
LARGEST_BODY = 1_000_000_000
LONGEST_GRACE = 86_400  # seconds
# Seconds. GitHub forgets deliveries after three days, so a day leaves two more looks.
LONGEST_RECOVER_EVERY = 86_400
# Days. A settlement is committed within a minute of its time, and no date is older than 100 years.
SHORTEST_KEPT = 0.01
LONGEST_KEPT = 36_500
# A value that Django compares with a Host header: a name, a domain with its subdomains, or `*`.
HOST_NAME = re.compile(r"\*|\.?[A-Za-z0-9_-][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")


# Timeouts that detect an unreachable PostgreSQL. A URL may override them. All are parameters of libpq:
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
POSTGRESQL_TIMEOUTS = {
    "connect_timeout": 3,  # seconds
    "keepalives": 1,
    "keepalives_idle": 5,  # seconds without traffic until the first probe
    "keepalives_interval": 2,  # seconds between probes
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # milliseconds that sent data may stay unacknowledged
}
# Milliseconds that the receiver's insert waits for a lock, and that it may take at all. The receiver answers
# its sender within nine seconds, so both leave time for a second attempt.
INTAKE_LOCK_TIMEOUT = 500
INTAKE_STATEMENT_TIMEOUT = 4000
# Seconds for each command of the cache. Computing a value takes about as long.
CACHE_TIMEOUT = 0.5


def redis_socket(folder: Path) -> Path:
    """Return the socket of the embedded Redis of this data folder.

    If the path is too long for a unix socket, the socket is in a folder under /tmp that is named by the hash
    of the data folder's path.
    """
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"hookkeeper-{digest}" / "redis.sock"  # noqa: S108 - made 0700, owner checked


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for a `sqlite:` or `postgresql:` URL; raise `ImproperlyConfigured`."""
    if url.startswith("sqlite:"):
        config: dict[str, Any] = urls.sqlite(url)
        config["ENGINE"] = "database.sqlite3"
        # A 2xx promises durability, so SQLite syncs at every commit. IMMEDIATE takes the write lock at BEGIN,
        # where SQLite applies the busy timeout; a later upgrade of the lock fails at once. A page of 4 KiB,
        # the default, holds one push and stays half empty. The size of a file's pages never changes.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON;",
        }
        config["TEST"] = {"NAME": f"{config['NAME']}.test"}
    elif url.startswith(("postgres:", "postgresql:")):
        config = urls.postgresql(url)
        config["OPTIONS"] = {
            **POSTGRESQL_TIMEOUTS,
            **config.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": 10, "timeout": 5},
        }
    else:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:// or postgresql://.")
    return config


env = Env()

with stop_if_wrong():
    _database_url = env.str("DATABASE_URL", "").strip()
    """`sqlite:////path/to/file` without options, or `postgresql://user:password@host/name`, which libpq
    parses: [several hosts](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS)
    and all of [its options](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS),
    as in `postgresql://user:password@one:5432,two:5433/name?target_session_attrs=read-write`. SQLite runs
    with WAL, IMMEDIATE transactions, a busy timeout of 5 s, `synchronous=FULL`, and pages of 8 KiB in a new
    file; PostgreSQL with psycopg's pool of up to 10 connections a process, 16 of the console. A worker has no
    pool but up to six connections. Default: SQLite in `HOOKKEEPER_DATA`.
    """
    _redis_url = env.str("REDIS_URL", "").strip()
    """`redis://[[user]:password@]host[:port][/db]`, `rediss://` likewise, or `unix:///path[?db=0]`.
    `redis+sentinel://[[user]:password@]host[:port],host[:port]/service[/db]`, and `rediss+sentinel://`
    likewise, find the primary [through Sentinels](../how-to/deploy.md#tls-a-user-of-its-own-sentinels).
    Allowed options are `client_name`, `db`, `health_check_interval`, `password`, `socket_keepalive`,
    `username`, with TLS `ssl_ca_certs`, `ssl_cert_reqs`, `ssl_certfile`, `ssl_check_hostname` and
    `ssl_keyfile`, and with Sentinels `sentinel_username` and `sentinel_password`; Hookkeeper sets time limits
    and retries itself. If it is set, `make run` starts no Redis. Default: `redis.sock` in `HOOKKEEPER_DATA`.
    """
    _data = env.str("HOOKKEEPER_DATA", "").strip()
    """The folder of `make run`: the database, Redis's files and socket, the generated secrets. It is created
    if missing. A file or a read-only folder is a wrong value. Default: `var/` in the checkout.
    """
    DATA = Path(_data or BASE_DIR / "var").absolute()
    # With both URLs set, the default folder is not used, and may be missing in a read-only image.
    if _data or not (_database_url and _redis_url):
        usable(DATA, "HOOKKEEPER_DATA")
    # pgbouncer in transaction mode runs every transaction on another server connection, where the names of
    # prepared statements and cursors are unknown, or another client's.
    DATABASE_PREPARED: bool = env.bool("DATABASE_PREPARED", False, **SWITCH)
    """Whether PostgreSQL may keep the plans of statements of workers and commands, which saves some of its
    CPU. Leave it off behind a pooler in transaction mode, such as pgbouncer. Receivers and workers detect a
    pooler themselves: without one they prepare their statements, and PostgreSQL plans each use.
    """
    COMPRESS_WITH_DICTIONARY: bool = env.bool("COMPRESS_WITH_DICTIONARY", False, **SWITCH)
    """Whether new bodies and headers are [compressed with a dictionary](deliveries.md#compression). It saves
    nearly a third of the space of a delivery. Switch it on once no process of version 0.2.0 or before runs,
    because those cannot read them. `make run` has it on.
    """
    DATABASES = {"default": database(_database_url or f"sqlite:///{quote(str(DATA / 'hookkeeper.sqlite3'))}")}
    if "pool" in DATABASES["default"]["OPTIONS"]:
        DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5 if DATABASE_PREPARED else None
        DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = not DATABASE_PREPARED
    REDIS_URL: str = urls.redis(_redis_url or f"unix://{quote(str(redis_socket(DATA)))}")
    WEBHOOK_SECRETS = webhook_secrets(os.environ)

    DEBUG: bool = env.bool("DEBUG", False, **SWITCH)
    """Django's debug mode. Never enable it on a public address."""
    # While it is empty, Django refuses to sign.
    SECRET_KEY: str = env.str("SECRET_KEY", "")
    """Signs the console's sessions: at least 32 random characters. The console does not start without it; the
    receiver, the workers and the commands do. `make run` generates one in `HOOKKEEPER_DATA`.
    """
    ALLOWED_HOSTS: list[str] = env.list(
        "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], subcast=str.strip
    )
    """Host names of the console's pages, without scheme and port, separated by commas. The webhook path
    ignores it, because the signature authenticates the sender.
    """
    if not all(HOST_NAME.fullmatch(name) for name in ALLOWED_HOSTS):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS takes host names without scheme, port, path and quotes, separated by commas."
        )
    _PORT = must_be("a whole number from 1 to 65535", lambda port: 0 < port < 65536)  # noqa: PLR2004
    PORT: int = env.int("PORT", 8000, **_PORT)
    """The port of the receiver, and the target of `manage.py send`."""
    CONSOLE_PORT: int = env.int("CONSOLE_PORT", PORT + 1 if PORT < 65535 else PORT - 1, **_PORT)  # noqa: PLR2004
    """The port of the console. Default: `PORT` + 1."""

    # uvicorn reads both itself. A wrong number is a traceback; a wrong address trusts no proxy.
    WEB_CONCURRENCY: int = env.int(
        "WEB_CONCURRENCY", 1, **must_be("a whole number of 1 or more", lambda processes: processes > 0)
    )
    """The number of the receiver's processes."""
    FORWARDED_ALLOW_IPS: list[str] = env.list("FORWARDED_ALLOW_IPS", ["127.0.0.1", "::1"], subcast=str)
    """The addresses and networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted,
    or `*` alone for every address.
    """
    for _address in FORWARDED_ALLOW_IPS if FORWARDED_ALLOW_IPS != ["*"] else ():
        try:
            ipaddress.ip_network(_address.strip())
        except ValueError:
            raise ImproperlyConfigured(
                "FORWARDED_ALLOW_IPS takes addresses and networks, as in 10.0.0.1,10.1.0.0/16, or * alone."
            ) from None

    MAX_BODY_BYTES: int = env.int(
        "MAX_BODY_BYTES", 26_214_400,
        **must_be(f"a whole number from 1 to {LARGEST_BODY}", lambda size: 0 < size <= LARGEST_BODY),
    )  # fmt: skip
    """The largest accepted JSON body in bytes. The default is 25 MiB: [GitHub
    sends](https://docs.github.com/webhooks/webhook-events-and-payloads) no larger one. A form with that JSON
    may be [three times as large](http.md#forms).
    """

    LOG_FORMAT: str = env.str("LOG_FORMAT", "lines").strip()
    """The format of the [logs](logs.md): `lines` for people, `json` for programs."""
    if LOG_FORMAT not in {"lines", "json"}:
        raise ImproperlyConfigured("LOG_FORMAT must be lines or json.")

    TRACES: bool = env.bool("TRACES", False, **SWITCH)
    """Whether receivers and workers make spans with OpenTelemetry's API: see [Traces](traces.md)."""

    WORKER_GRACE: float = env.float(
        "WORKER_GRACE", 20.0,
        **must_be(f"a number above 0, and at most {LONGEST_GRACE}", lambda value: 0 < value <= LONGEST_GRACE),
    )  # fmt: skip
    """Seconds that a worker has after SIGTERM to finish its deliveries, before it releases them. Above 0, at
    most a day.
    """

    _DAYS = must_be(
        f"0, which keeps for ever, or {SHORTEST_KEPT} to {LONGEST_KEPT} days",
        lambda days: days == 0 or SHORTEST_KEPT <= days <= LONGEST_KEPT,
    )
    KEEP_BODIES: float = env.float("KEEP_BODIES", 30.0, **_DAYS)
    """Days after its settlement for which the body of a delivery and its tracebacks are kept; 0 keeps them
    for ever. From 0.01 to 36,500. [Retention](../how-to/retention.md) says what is pruned.
    """
    KEEP_DELIVERIES: float = env.float("KEEP_DELIVERIES", 90.0, **_DAYS)
    """Days after its settlement for which a delivery and its runs are kept; 0 keeps them for ever. Then only
    its key is left.
    """
    KEEP_KEYS: float = env.float("KEEP_KEYS", 400.0, **_DAYS)
    """Days after its settlement for which the key of a delivery is kept, so that the same request sent again
    is a duplicate; 0 keeps it for ever.
    """
    GITHUB_API_URL: str = github.api_url(env.str("GITHUB_API_URL", "").strip())
    """The API of the GitHub server. For GitHub Enterprise Server `https://HOST/api/v3`, for GHE.com
    `https://api.TENANT.ghe.com`. `http` is accepted on loopback only. Default: `https://api.github.com`.
    """
    GITHUB_TOKEN: str = github.token(
        value_or_file("GITHUB_TOKEN", env.str("GITHUB_TOKEN", ""), env.str("GITHUB_TOKEN_FILE", ""))
    )
    """A token for GitHub's API. Without a token or an App, Hookkeeper never calls it.
    [Recover](../how-to/recover.md#permissions) lists the permissions. An empty value counts as unset.
    """
    _app_id = env.str("GITHUB_APP_ID", "").strip()
    """The numeric id or the client id of a GitHub App. With a token too, the App is used for its own hook and
    the token for everything else.
    """
    _app_key = value_or_file(
        "GITHUB_APP_PRIVATE_KEY",
        env.str("GITHUB_APP_PRIVATE_KEY", ""),
        env.str("GITHUB_APP_PRIVATE_KEY_FILE", ""),
    )
    """The App's RSA key in PEM format. Where a variable holds one line, write its line ends as `\\n`."""
    GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY = github.app(_app_id, _app_key)
    RECOVER_EVERY: float = env.float(
        "RECOVER_EVERY", 600.0,
        **must_be(
            f"a number from 0 to {LONGEST_RECOVER_EVERY}", lambda value: 0 <= value <= LONGEST_RECOVER_EVERY
        ),
    )  # fmt: skip
    """Seconds between two automatic looks for deliveries that did not arrive, at most a day; 0 turns them
    off. They need a credential.
    """

# For the console's statistics, which workers warm. Values in Redis are never unpickled.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # A list, because Django splits a text at each comma and semicolon.
        "LOCATION": [REDIS_URL],
        "KEY_PREFIX": "hookkeeper:cache",
        "OPTIONS": {
            "pool_class": "configuration.redis_pools.CachePool",
            "serializer": "ledger.caching.JsonSerializer",
            "socket_timeout": CACHE_TIMEOUT,
            "socket_connect_timeout": CACHE_TIMEOUT,
        },
    }
}

# The receiver applies the limit and answers with JSON; Django's own limit (2.5 MB) would come first.
DATA_UPLOAD_MAX_MEMORY_SIZE: int | None = None

INSTALLED_APPS = ["receiver", "records", "ledger", "upstream", "telemetry"]
ROOT_URLCONF = "receiver.urls"
ASGI_APPLICATION = "receiver.asgi.application"
APPEND_SLASH = False  # a redirect would lose the POST
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "telemetry.logs.Lines"}, "json": {"()": "telemetry.logs.JsonLines"}},
    "filters": {
        "client_faults": {"()": "telemetry.logs.ClientFaults"},
        "seldom": {"()": "telemetry.logs.Seldom", "seconds": 10.0},
    },
    "handlers": {
        "stderr": {
            "class": "telemetry.stream.WholeLines",
            "formatter": LOG_FORMAT,
            "filters": ["client_faults"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # The receiver records rejections itself; only unexpected errors are logged here.
        "django.request": {"level": "ERROR"},
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # uvicorn's own handler has another format. Configuring `uvicorn`, the parent logger, would undo
        # `--no-access-log`.
        "uvicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # These have a line for each attempt to connect.
        "psycopg.pool": {"filters": ["seldom"]},
        "processing.resilient_redis": {"filters": ["seldom"]},
        # It has a line for each request, with the whole URL.
        "httpx2": {"level": "WARNING"},
        # arq's command line adds its own handler to its logger.
        "arq": {"propagate": False},
    },
}
# A warning of Python is a log line, too; otherwise it would be two lines of another format.
logging.captureWarnings(True)
