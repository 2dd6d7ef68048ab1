"""Every setting of Hookkeeper, read from the environment in this one place.

Each is documented in `docs/reference/settings.md`. A wrong value stops the program with an error that
names the variable and never repeats its value.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env

BASE_DIR = Path(__file__).resolve().parent

# The longest path that every supported system takes as the address of a unix socket (macOS: 104 bytes).
LONGEST_SOCKET_PATH = 100


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


def webhook_secrets(environ: Mapping[str, str]) -> dict[str, tuple[bytes, ...]]:
    """The webhook secrets by source: `""` holds those of `GITHUB_WEBHOOK_SECRET`.

    `GITHUB_WEBHOOK_SECRET_<SOURCE>` gives a source secrets of its own, and a name that ends in `_FILE`
    the path of a file that holds them. Secrets are separated by commas or line ends. Raises
    `ImproperlyConfigured` for an empty secret, an unreadable file, or a source that is set twice.
    """
    found: dict[str, tuple[bytes, ...]] = {}
    for name, value in sorted(environ.items()):
        match = re.fullmatch(r"GITHUB_WEBHOOK_SECRET(?:_([A-Z0-9_]+?))??(_FILE)?", name)
        if match is None:
            continue
        source, from_file = (match[1] or "").lower(), match[2]
        if from_file:
            try:
                value = Path(value).read_text(encoding="utf-8")  # noqa: PLW2901
            except (OSError, UnicodeDecodeError) as error:
                raise ImproperlyConfigured(f"{name}: cannot read the file: {type(error).__name__}") from error
        secrets = tuple(part.strip().encode() for part in re.split(r"[,\n]", value.strip()))
        if not all(secrets):
            raise ImproperlyConfigured(f"{name} holds an empty secret: set a secret, or unset the variable.")
        if source in found:
            raise ImproperlyConfigured(f"{name}: this secret is set twice, as a value and as a file.")
        found[source] = secrets
    return found


def database(url: str) -> dict[str, Any]:
    """Django's settings for a `sqlite:` or `postgresql:` URL; raises `ImproperlyConfigured` otherwise."""
    if url.startswith("sqlite:"):
        config: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=None)}
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
        try:
            config = {**dj_database_url.parse(url, conn_health_checks=True)}
        except ValueError as error:
            raise ImproperlyConfigured("DATABASE_URL: not a URL of a PostgreSQL database.") from error
        config["OPTIONS"] = {
            **POSTGRESQL_TIMEOUTS,
            **config.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": 10, "timeout": 5},
        }
    else:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:// or postgresql://.")
    return config


env = Env()

DATA = Path(env.str("HOOKKEEPER_DATA", "") or BASE_DIR / "var").absolute()
DEBUG: bool = env.bool("DEBUG", False)
# Nothing of today signs with SECRET_KEY, and Django refuses whatever would while it is empty.
SECRET_KEY: str = env.str("SECRET_KEY", "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], subcast=str)
PORT: int = env.int("PORT", 8000)
if not 0 < PORT < 65536:  # noqa: PLR2004
    raise ImproperlyConfigured("PORT must lie between 1 and 65535.")
WEBHOOK_SECRETS = webhook_secrets(os.environ)
DATABASES = {
    "default": database(env.str("DATABASE_URL", "") or f"sqlite:///{quote(str(DATA / 'hookkeeper.sqlite3'))}")
}
REDIS_URL: str = env.str("REDIS_URL", "") or f"unix://{quote(str(redis_socket(DATA)))}"
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")

# Bytes. GitHub sends no payload above 25 MB: https://docs.github.com/webhooks/webhook-events-and-payloads
MAX_BODY_BYTES: int = env.int("MAX_BODY_BYTES", 25 * 1024 * 1024)
if MAX_BODY_BYTES < 1:
    raise ImproperlyConfigured("MAX_BODY_BYTES must be at least 1.")
# The limit is held in receiver/, where it is answered as JSON; Django's own (2.5 MB) would come first.
DATA_UPLOAD_MAX_MEMORY_SIZE = None

# Seconds that a worker has after SIGTERM to finish what it runs, before it gives it back.
WORKER_GRACE: float = env.float("WORKER_GRACE", 20.0)
if WORKER_GRACE <= 0:
    raise ImproperlyConfigured("WORKER_GRACE must be above 0.")

INSTALLED_APPS = ["receiver", "records", "console"]
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
