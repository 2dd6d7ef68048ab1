"""Every setting of Hookkeeper, read from the environment in this one place.

Each is documented in `docs/reference/settings.md`. A wrong value stops the program with one line that names
the variable and never repeats its value.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from environs import Env

from configuration import urls
from configuration.folders import usable
from configuration.secrets import webhook_secrets
from configuration.stopping import stop_if_wrong

BASE_DIR = Path(__file__).resolve().parent

# The longest path that every supported system takes as the address of a unix socket (macOS: 104 bytes).
LONGEST_SOCKET_PATH = 100
# Bytes. SQLite stores no larger value, and PostgreSQL hardly one: https://www.sqlite.org/limits.html
LARGEST_BODY = 1_000_000_000
LONGEST_GRACE = 86_400  # seconds
# What Django compares with a request's Host header: a name, a domain with its subdomains, or anything.
HOST_NAME = re.compile(r"\*|\.?[A-Za-z0-9_-][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")


# How soon a PostgreSQL that vanished is noticed; a URL may say otherwise. All are libpq's own parameters:
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


def redis_socket(folder: Path) -> Path:
    """Where the embedded Redis of this data folder listens.

    A folder whose path is too long for a unix socket has its socket in a folder of its own under /tmp,
    found again by the hash of the data folder's path.
    """
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"hookkeeper-{digest}" / "redis.sock"  # noqa: S108 - made 0700, owner checked


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for a `sqlite:` or `postgresql:` URL; raises `ImproperlyConfigured`."""
    if url.startswith("sqlite:"):
        config: dict[str, Any] = urls.sqlite(url)
        config["ENGINE"] = "database.sqlite3"
        # An answer promises durability, so SQLite syncs at every commit. IMMEDIATE takes the write lock
        # at BEGIN, where SQLite honours the busy timeout; a lock upgraded later fails at once.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
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
    DATA = Path(env.str("HOOKKEEPER_DATA", "") or BASE_DIR / "var").absolute()
    _urls = env.str("DATABASE_URL", ""), env.str("REDIS_URL", "")
    # With both URLs set nothing uses the default folder, which a read-only image may not even hold.
    if env.str("HOOKKEEPER_DATA", "") or not all(_urls):
        usable(DATA, "HOOKKEEPER_DATA")
    # pgbouncer in transaction mode gives every transaction another server connection, where the names of
    # prepared statements and cursors are unknown, or another client's.
    DATABASE_PREPARED: bool = env.bool("DATABASE_PREPARED", False)
    DATABASES = {"default": database(_urls[0] or f"sqlite:///{quote(str(DATA / 'hookkeeper.sqlite3'))}")}
    if "pool" in DATABASES["default"]["OPTIONS"]:
        DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5 if DATABASE_PREPARED else None
        DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = not DATABASE_PREPARED
    REDIS_URL: str = urls.redis(_urls[1] or f"unix://{quote(str(redis_socket(DATA)))}")
    WEBHOOK_SECRETS = webhook_secrets(os.environ)

    DEBUG: bool = env.bool("DEBUG", False)
    # Only the console signs with it, and requires it. Django refuses whatever would sign while it is empty.
    SECRET_KEY: str = env.str("SECRET_KEY", "")
    ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], subcast=str)
    if not all(HOST_NAME.fullmatch(name) for name in ALLOWED_HOSTS):
        raise ImproperlyConfigured("ALLOWED_HOSTS takes host names without scheme, port and path.")
    PORT: int = env.int("PORT", 8000)
    if not 0 < PORT < 65536:  # noqa: PLR2004
        raise ImproperlyConfigured("PORT must lie between 1 and 65535.")
    CONSOLE_PORT: int = env.int("CONSOLE_PORT", PORT + 1 if PORT < 65535 else PORT - 1)  # noqa: PLR2004
    if not 0 < CONSOLE_PORT < 65536 or CONSOLE_PORT == PORT:  # noqa: PLR2004
        raise ImproperlyConfigured("CONSOLE_PORT must lie between 1 and 65535, and differ from PORT.")

    # Bytes. GitHub sends no payload above 25 MB: https://docs.github.com/webhooks/webhook-events-and-payloads
    MAX_BODY_BYTES: int = env.int("MAX_BODY_BYTES", 25 * 1024 * 1024)
    if not 0 < MAX_BODY_BYTES <= LARGEST_BODY:
        raise ImproperlyConfigured(f"MAX_BODY_BYTES must lie between 1 and {LARGEST_BODY}.")

    # Seconds that a worker has after SIGTERM to finish what it runs, before it gives it back.
    WORKER_GRACE: float = env.float("WORKER_GRACE", 20.0)
    if not 0 < WORKER_GRACE <= LONGEST_GRACE:  # false for nan, too
        raise ImproperlyConfigured(f"WORKER_GRACE must be above 0, and at most {LONGEST_GRACE}.")

# The limit is held in receiver/, where it is answered as JSON; Django's own (2.5 MB) would come first.
DATA_UPLOAD_MAX_MEMORY_SIZE: int | None = None

INSTALLED_APPS = ["receiver", "records"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
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
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # A refusal is logged by the view, with its reason; here only what nobody expected.
        "django.request": {"level": "ERROR"},
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # arq's command line gives its logger a handler of its own.
        "arq": {"propagate": False},
    },
}
