"""Finds the hooks that deliver here, from the ledger: each names itself in the headers of its deliveries.

A hook that never delivered here is not compared: it may send to another receiver.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

import schemas
from receiver.models import Delivery
from upstream.models import HookKind, WatchedHook

# Ids of deliveries that one statement looks at.
PORTION = 100_000

_TARGET = "X-GitHub-Hook-Installation-Target"
_KINDS = {
    "repository": HookKind.REPOSITORY,
    "organization": HookKind.ORGANIZATION,
    "integration": HookKind.APP,
}

_WORD = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
_NAMES = {
    HookKind.REPOSITORY: re.compile(f"{_WORD}/{_WORD}"),
    HookKind.ORGANIZATION: re.compile(_WORD),
    HookKind.APP: re.compile("[0-9]+"),
    HookKind.OTHER: re.compile(r"(?!)"),
}


def discover() -> bool:
    """Look at the next portion of deliveries; return whether there are more. Raises `django.db.Error`."""
    reached = WatchedHook.objects.aggregate(last=Max("last_delivery"))["last"] or 0
    newest = Delivery.objects.aggregate(last=Max("pk"))["last"] or 0
    rows = Delivery.objects.filter(
        pk__gt=reached, pk__lte=newest, hook_id__gt=0, unsigned=False, body__isnull=False
    )
    first = rows.order_by("pk").values_list("pk", flat=True).first()
    if first is None:
        return False
    portion = rows.filter(pk__lt=first + PORTION).values("hook_id").annotate(last=Max("pk"))
    for hook_id, last in portion.order_by("last").values_list("hook_id", "last"):
        _note(hook_id, last)
    return first + PORTION <= newest


@transaction.atomic
def _note(hook_id: int, pk: int) -> None:
    """Store a hook with its newest delivery. A delivery that was pruned meanwhile is skipped."""
    delivery = Delivery.objects.filter(pk=pk, body__isnull=False).defer("body").first()
    if delivery is None:
        return
    found = WatchedHook.objects.filter(hook_id=hook_id).first()
    if found is None or _may_be_renamed(found, delivery):
        kind, name = _belongs(delivery)
        if found is None:
            # Another worker may store it now.
            there = {"kind": kind, "name": name}
            found, _ = WatchedHook.objects.get_or_create(hook_id=hook_id, defaults=there)
        # One that was missed may be from before a rename, after which GitHub no longer answers for that name.
        elif kind == found.kind and not found.missed.filter(guid=delivery.guid, hook_id=hook_id).exists():
            found.name = name
    found.source = delivery.source
    found.last_delivery, found.last_received_at = pk, delivery.received_at
    found.save(update_fields=["name", "source", "last_delivery", "last_received_at"])


def _may_be_renamed(found: WatchedHook, delivery: Delivery) -> bool:
    """Return whether a delivery may show another name of the owner of its hook. It reads no body."""
    shown = {
        HookKind.REPOSITORY: delivery.repository,
        # Some events of an organisation have no repository.
        HookKind.ORGANIZATION: delivery.repository.partition("/")[0],
    }
    return shown.get(HookKind(found.kind), found.name) != found.name


def _belongs(delivery: Delivery) -> tuple[HookKind, str]:
    """Return what a hook belongs to; `OTHER` where the API of `GITHUB_API_URL` does not have it."""
    headers: Mapping[str, str] = delivery.headers
    kind = _KINDS.get(headers.get(f"{_TARGET}-Type", ""), HookKind.OTHER)
    target = headers.get(f"{_TARGET}-ID", "")
    payload = _payload(delivery)
    # `manage.py send` names no target.
    if not target or not _same_server(payload, headers):
        return HookKind.OTHER, delivery.repository
    names = {
        HookKind.REPOSITORY: delivery.repository,
        HookKind.ORGANIZATION: _text(payload, "organization", "login"),
        HookKind.APP: target,
    }
    name = names.get(kind, "")
    # It becomes part of a path that is sent with the credential.
    return (kind, name) if _NAMES[kind].fullmatch(name) else (HookKind.OTHER, delivery.repository)


def _same_server(payload: object, headers: Mapping[str, str]) -> bool:
    """Return whether a delivery is of the server whose API is configured: another one numbers hooks alike."""
    api = schemas.server_of([settings.GITHUB_API_URL], {})
    # A proxy on this machine may lead to any server.
    return api in {"127.0.0.1", "localhost", "[::1]", schemas.server_of(schemas.links_of(payload), headers)}


def _payload(delivery: Delivery) -> dict[str, Any]:
    try:
        found = json.loads(
            schemas.json_of(delivery.body or b"", delivery.content_type, settings.MAX_BODY_BYTES)
        )
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(payload: Mapping[str, Any], part: str, name: str) -> str:
    found = payload.get(part)
    value = found.get(name) if isinstance(found, dict) else None
    return value[:255] if isinstance(value, str) else ""
