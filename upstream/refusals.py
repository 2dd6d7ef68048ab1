"""Converts an answer that refuses a request to the error that says what to do. Pure."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from upstream.errors import (
    EmptyRepositoryError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UpstreamError,
)

# Characters of a message that an error repeats.
LONGEST_MESSAGE = 200


def error(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Return the error of an answer whose status is not 2xx."""
    answered = f"{method} {path}: {status}{_message(body)}"
    if status == HTTPStatus.UNAUTHORIZED:
        return UnauthorizedError(
            f"GitHub does not accept the credential ({answered}). The token is wrong, expired or revoked, or "
            "the App's key does not belong to GITHUB_APP_ID, or this machine's clock is wrong."
        )
    if status == HTTPStatus.FORBIDDEN:
        return ForbiddenError(f"GitHub refused it ({answered}). {_permission(headers)}")
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return NotFoundError(
            f"GitHub shows nothing there to this credential ({answered}). The name is wrong, it was "
            f"deleted, or the credential may not see it. {_permission(headers)}"
        )
    if status == HTTPStatus.CONFLICT:
        return EmptyRepositoryError(f"GitHub refused it ({answered}).")
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return RefusedError(f"GitHub refused it ({answered}).")
    return UnexpectedAnswerError(f"GitHub answered unexpectedly ({answered}).")


def _permission(headers: Mapping[str, str]) -> str:
    """Return the permission that GitHub says the request needs.

    https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
    """
    needed = text(headers.get("x-accepted-github-permissions", ""))
    scopes = text(headers.get("x-accepted-oauth-scopes", ""))
    has = headers.get("x-oauth-scopes")
    if has is not None and scopes:
        return f"A classic token needs one of the scopes {scopes}; this one has {text(has) or 'none'}."
    if needed:
        return f"A fine-grained token or an App needs the permission {needed}."
    if scopes:
        return f"A classic token needs one of the scopes {scopes}."
    return "docs/how-to/recover.md lists the permissions."


def _message(body: bytes) -> str:
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f" {text(message)}" if isinstance(message, str) else ""


def text(value: str) -> str:
    """Return one line of at most `LONGEST_MESSAGE` characters that can be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in value[:LONGEST_MESSAGE]).split())
