"""Reads the webhook secrets by source, and knows how long secrets must be."""

import re
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

NAME = "GITHUB_WEBHOOK_SECRET"
"""The webhook secret, or several separated by commas, which are all accepted. To rotate, put the new one
first, change it at GitHub, then remove the old one. Each has at least 6 characters, which detects a comma
inside a secret; GitHub recommends a random text of high entropy, as `openssl rand -hex 32` prints. An empty
value or part is an error. Without a secret the receiver does not start; workers and `migrate` need none.
"""
OF_SOURCE = f"{NAME}_<SOURCE>"
"""Secrets of `/webhooks/github/<source>`, in upper case, with `_` for `-`: `GITHUB_WEBHOOK_SECRET_ACME_WEB`
for `acme-web`. That source then accepts no other secret; a source without its own secrets accepts those of
`GITHUB_WEBHOOK_SECRET`. Any other name with this prefix, such as `GITHUB_WEBHOOK_SECRETS_ACME` or a name in
lower case, stops the start: if it were ignored, the source would accept `GITHUB_WEBHOOK_SECRET`.
"""
# Characters. A shorter secret is a mistake: a placeholder, or a part of a secret that contains a comma. The
# minimum is not a measure of strength, and must not reject a secret that is already set at GitHub.
SHORTEST = 6
# Characters of SECRET_KEY. The console's sessions and its proof against CSRF are only as good as that key.
SHORTEST_KEY = 32
# A source as receiver/urls.py accepts it, in upper case and with "_" for "-".
_VARIABLE = re.compile(rf"{NAME}(?:_([A-Z0-9][A-Z0-9_]{{0,63}}?))??(_FILE)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Windows editors write it at the start of a UTF-8 file; it is not part of the secret.
_BYTE_ORDER_MARK = "\ufeff"


def webhook_secrets(environ: Mapping[str, str]) -> dict[str, tuple[bytes, ...]]:
    """Return the webhook secrets by source: `""` holds those of `GITHUB_WEBHOOK_SECRET`.

    `GITHUB_WEBHOOK_SECRET_<SOURCE>` sets the secrets of one source. A name that ends in `_FILE` sets the path
    of a file with the secrets. Secrets are separated by commas or line ends. Raises
    `ImproperlyConfigured` for a misnamed variable, an empty or short secret, a file that is unreadable or not
    UTF-8 text, and a source that is set twice.
    """
    found: dict[str, tuple[bytes, ...]] = {}
    for name, value in sorted(environ.items()):
        match = _VARIABLE.fullmatch(name)
        if match is None:
            _refuse_misnamed(name)
            continue
        source, is_file = (match[1] or "").lower(), match[2]
        if source in found:
            raise ImproperlyConfigured(f"{name}: this secret is set twice, as a value and as a file.")
        found[source] = _split(name, _read(name, value) if is_file else value)
    return found


def _refuse_misnamed(name: str) -> None:
    """Raise for a name that looks like one of these variables.

    If it were ignored, `GITHUB_WEBHOOK_SECRET` would be valid for a source that was meant to have its own.
    """
    letters = re.sub(r"[^A-Z]", "", name.upper())
    if not letters.startswith("GITHUBWEBHOOK") or "SECRET" not in letters:
        return
    likely = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    hint = f"did you mean {likely}?" if _VARIABLE.fullmatch(likely) else f"see {OF_SOURCE}."
    raise ImproperlyConfigured(f"{ascii(name)[1:-1]} is not a setting: {hint}")


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}: the file is not UTF-8 text.") from None
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: cannot read the file: {error.strerror}.") from None


def _split(name: str, value: str) -> tuple[bytes, ...]:
    parts = [part.strip() for part in re.split(r"[,\n]", value.removeprefix(_BYTE_ORDER_MARK).strip())]
    if not all(parts):
        raise ImproperlyConfigured(f"{name} holds an empty secret: set a secret, or unset the variable.")
    if any(len(part) < SHORTEST for part in parts):
        raise ImproperlyConfigured(
            f"{name} holds a secret of fewer than {SHORTEST} characters: set a longer one, here and at "
            "GitHub; a comma separates two secrets."
        )
    if any(_CONTROL.search(part) for part in parts):
        raise ImproperlyConfigured(f"{name} holds a control character: it must be UTF-8 text.")
    try:
        return tuple(part.encode() for part in parts)
    except UnicodeEncodeError:  # bytes of the environment that are not UTF-8
        raise ImproperlyConfigured(f"{name} is not UTF-8 text.") from None


def value_or_file(name: str, value: str, path: str) -> str:
    """Return a secret from the variable `name` or from the file that `<name>_FILE` names; "" without either.

    Raises `ImproperlyConfigured` where both are set, and for a file that is unreadable or no UTF-8 text.
    """
    if value and path:
        raise ImproperlyConfigured(f"{name}_FILE: the secret is set twice, as a value and as a file.")
    return (_read(f"{name}_FILE", path).removeprefix(_BYTE_ORDER_MARK) if path else value).strip()
