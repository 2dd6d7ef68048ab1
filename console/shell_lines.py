"""A stored delivery as a line for a shell: sent again by `manage.py send`, or by curl. Pure."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

# As `make install` makes it.
MANAGE = ".venv/bin/python manage.py"


def file_name(guid: UUID) -> str:
    """Return the name under which a delivery's body is downloaded."""
    return f"{guid}.body"


def finding(data: Path, default: Path) -> str:
    """Return what precedes a command so that it finds the run of a data folder that is not the default."""
    return "" if data == default else f"HOOKKEEPER_DATA={shlex.quote(str(data))} "


def send(event: str, guid: UUID, url: str = "") -> str:
    """Return the line that signs the downloaded body anew and sends it under a fresh GUID."""
    target = ["--url", url] if url else []
    return f"{MANAGE} {shlex.join(['send', event, '--file', file_name(guid), *target])}"


def replay(guid: UUID) -> str:
    """Return the line that runs the handlers of the stored delivery in the foreground."""
    return f"{MANAGE} replay --inline {guid}"


def curl(headers: Mapping[str, str], content_type: str, guid: UUID, url: str) -> str:
    """Return the line that sends the downloaded body with its own headers and GUID, signed by openssl."""
    body = file_name(guid)
    signature = (
        f'"X-Hub-Signature-256: sha256=$(openssl dgst -sha256 -hmac "$SECRET" -r {body} | cut -c1-64)"'
    )
    named = {"Content-Type": content_type, **headers, "X-GitHub-Delivery": str(guid)}
    lines = [
        f"curl {shlex.quote(url)}",
        *(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in named.items()),
        f"-H {signature}",
        f"--data-binary @{body}",
    ]
    return " \\\n  ".join(lines)
