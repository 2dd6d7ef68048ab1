"""The secrets that commands sign with: those of the environment, or the one that `make run` generated."""

import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from configuration import data_folder, secrets

_SOURCE = re.compile(r"[^?#]*/webhooks/github/([A-Za-z0-9][A-Za-z0-9_-]{0,63})/?([?#].*)?")


class NoSecretError(Exception):
    """There is no secret to sign with."""


def webhook_secrets() -> dict[str, tuple[bytes, ...]]:
    """Return the secrets by source; empty if there are none. Raises `NoSecretError` for a damaged file."""
    found: dict[str, tuple[bytes, ...]] = settings.WEBHOOK_SECRETS
    generated = settings.DATA / data_folder.SECRET_FILE
    if not found and generated.exists():
        try:
            return secrets.webhook_secrets({f"{secrets.NAME}_FILE": str(generated)})
        except ImproperlyConfigured as error:
            raise NoSecretError(str(error)) from error
    return found


def secret(source: str = "") -> bytes:
    """Return the secret that the receiver accepts for a source, the first of several.

    Raises `NoSecretError` if neither the source nor the default has one.
    """
    found = webhook_secrets()
    known = found.get(source.lower().replace("-", "_"), ()) or found.get("", ())
    if not known:
        raise NoSecretError("no secret to sign with: set GITHUB_WEBHOOK_SECRET, or `make run` first.")
    return known[0]


def source_of(url: str) -> str:
    """Return the source that the path of a URL names; empty for `/webhooks/github` and other paths."""
    match = _SOURCE.fullmatch(url)
    return match[1] if match else ""


def forward_secret() -> bytes:
    """Return `FORWARD_SECRET`, or else the secret of no source. Raises `NoSecretError`."""
    own: str | None = getattr(settings, "FORWARD_SECRET", None)
    return own.encode() if own else secret()
