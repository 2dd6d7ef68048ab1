"""Checks of this machine: secrets, clock, disk."""

import platform
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.utils import timezone
from redis.exceptions import RedisError

from configuration import data_folder
from configuration.secrets import SHORTEST_KEY
from console.doctor import services
from console.doctor.findings import Finding, Status
from console.signing import webhook_secrets
from database import errors, row_sets
from ledger import heartbeats
from ledger.summary import span
from receiver.models import Reason, RejectionCount

# Bytes. GitHub recommends a random text of high entropy; `openssl rand -hex 32` prints 64.
SHORT_SECRET = 16
# Seconds. Times of receipt and of leases come from several clocks; a token of an App is refused by GitHub
# when it is issued a minute in the future.
CLOCK_OFF = 5.0
# Bytes, and parts of the whole. SQLite needs room for its log, and a body may have 25 MB.
LITTLE_SPACE, LITTLE_PART = 2_000_000_000, 0.05
NO_SPACE = 200_000_000


def check_version() -> Iterator[Finding]:
    """Name the version of this checkout, of Python and of the kind of database. Always in order."""
    seen = f"Hookkeeper {settings.VERSION}, Python {platform.python_version()}, {connection.vendor}"
    yield Finding("version", Status.OK, seen)


def check_secrets() -> Iterator[Finding]:
    """Check which webhook secrets are set. They are counted and never shown."""
    found = webhook_secrets()
    if not found:
        yield Finding(
            "secrets",
            Status.WRONG,
            "GITHUB_WEBHOOK_SECRET is not set",
            "Set it to what `openssl rand -hex 32` prints, here and at GitHub. The receiver does not start "
            "without it.",
        )
        return
    counts = ", ".join(f"{source or 'default'}: {len(each)}" for source, each in sorted(found.items()))
    short = sorted(
        source or "default" for source, each in found.items() if any(len(one) < SHORT_SECRET for one in each)
    )
    quoted = sorted(
        source or "default"
        for source, each in found.items()
        if any(one[:1] == one[-1:] and one[:1] in {b"'", b'"'} for one in each)
    )
    if quoted:
        yield Finding(
            "secrets",
            Status.WARNING,
            f"{counts}; in quotes, which are a part of the secret: {', '.join(quoted)}",
            "`docker run --env-file` keeps the quotes of its file. Remove them, unless GitHub has them too.",
        )
    elif short:
        yield Finding(
            "secrets",
            Status.WARNING,
            f"{counts}; fewer than {SHORT_SECRET} bytes: {', '.join(short)}",
            "A guessed secret allows forged deliveries. Set one that `openssl rand -hex 32` prints.",
        )
    else:
        yield Finding("secrets", Status.OK, f"webhook secrets by source: {counts}")
    yield _refused()
    yield _session_key()


def _refused() -> Finding:
    today = timezone.now().date()
    rows = RejectionCount.objects.filter(day=today, reason=Reason.WRONG_SECRET)
    try:
        services.require_database()
        count = sum(rows.values_list("count", flat=True))
    except Error as error:
        return Finding("signatures", Status.SKIPPED, errors.fault(error))
    if not count:
        return Finding("signatures", Status.OK, "none was wrong today")
    return Finding(
        "signatures",
        Status.WARNING,
        f"requests refused today for a wrong signature: {count}",
        "If they are GitHub's, the secrets of a hook and of this installation differ: see "
        "`manage.py rejections`.",
    )


def _session_key() -> Finding:
    try:
        has_key = bool(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's, when it is empty
        has_key = False
    if has_key and len(settings.SECRET_KEY) < SHORTEST_KEY:
        return Finding(
            "console key",
            Status.WRONG,
            f"SECRET_KEY has fewer than {SHORTEST_KEY} characters: the console does not start",
            "Set it to what `openssl rand -hex 32` prints.",
        )
    if has_key:
        return Finding("console key", Status.OK, "SECRET_KEY is set")
    if (settings.DATA / data_folder.KEY_FILE).exists():
        return Finding("console key", Status.OK, "`make run` generated it")
    return Finding("console key", Status.SKIPPED, "SECRET_KEY is not set: the console does not start here")


def check_clock() -> Iterator[Finding]:
    """Compare the clock of this machine with those of the database and of Redis."""
    try:
        services.require_database()
        yield judged_clock("database", *_compared(row_sets.clock))
    except Error as error:
        yield Finding("clock: database", Status.SKIPPED, errors.fault(error))
    try:
        with heartbeats.client() as connected:
            connected.ping()  # so that connecting is not part of the comparison

            def clock() -> datetime:
                seconds, micros = connected.time()
                return datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC)

            yield judged_clock("redis", *_compared(clock))
    except (RedisError, OSError):
        yield Finding("clock: redis", Status.SKIPPED, "Redis does not answer")


def _compared(clock: Callable[[], datetime]) -> tuple[float, float]:
    """Return the seconds that another clock is ahead of this one, and how much of it may be delay."""
    before = time.time()
    there = clock()
    after = time.time()
    return there.timestamp() - (before + after) / 2, (after - before) / 2


def judged_clock(whose: str, ahead: float, uncertain: float) -> Finding:
    """Return the finding about a clock that is ahead of this one by so many seconds."""
    name = f"clock: {whose}"
    if abs(ahead) <= CLOCK_OFF + uncertain:
        return Finding(name, Status.OK, f"{abs(ahead):.1f} s apart")
    side = "behind" if ahead > 0 else "ahead of"
    return Finding(
        name,
        Status.WARNING,
        f"this machine is {span(abs(ahead))} {side} it",
        "Run a time service (chrony, systemd-timesyncd) on every machine.",
    )


def check_disk() -> Iterator[Finding]:
    """Check the free space where this machine stores data."""
    places = {"data folder": Path(settings.DATA)}
    if connection.vendor == "sqlite":
        places = {"database": Path(connection.settings_dict["NAME"]).parent}
    for what, place in places.items():
        if not place.is_dir():
            yield Finding("disk", Status.SKIPPED, f"{what}: {place} is not there")
            continue
        usage = shutil.disk_usage(place)
        yield judged_disk(what, usage.total, usage.free)


def judged_disk(what: str, total: int, free: int) -> Finding:
    """Return the finding about a disk of so many bytes."""
    seen = f"{what}: {free / 1e9:,.1f} of {total / 1e9:,.1f} GB free"
    if free < NO_SPACE:
        advice = "Make room now: on a full disk the receiver answers 503, and GitHub does not send again."
        return Finding("disk", Status.WRONG, seen, advice)
    if free < LITTLE_SPACE and free < LITTLE_PART * total:
        return Finding("disk", Status.WARNING, seen, "Make room, or move the data to a larger disk.")
    return Finding("disk", Status.OK, seen)
