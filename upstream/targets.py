"""Chooses the hooks of a repository, an organisation or an App that a recovery looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import database
from database import row_sets
from upstream import discovery, fetching
from upstream.answers import AppAnswer, DeliveryDetail, HookAnswer, ListedDelivery
from upstream.client import PAGE_SIZE, Client
from upstream.errors import NotFoundError
from upstream.models import HookKind, WatchedHook, retention


@dataclass(frozen=True, slots=True)
class Chosen:
    """Hooks to look at, and remarks about those that are left out."""

    hooks: Sequence[WatchedHook]
    remarks: Sequence[str] = ()


async def choose(client: Client, kind: HookKind, name: str, hook_id: int | None) -> Chosen:
    """Return the hooks of a repository, an organisation, or the App of the credential.

    Only hooks that delivered something here are looked at, because others may send elsewhere; `hook_id` names
    one that is looked at in any case. Raises `UpstreamError` and `django.db.Error`.
    """
    while await database.run(discovery.discover):
        pass
    if kind == HookKind.APP:
        return Chosen([await _of_app(client)])
    prefix = "/repos" if kind == HookKind.REPOSITORY else "/orgs"
    found: list[HookAnswer] = []
    async for page in client.pages(f"{prefix}/{name}/hooks?per_page={PAGE_SIZE}", HookAnswer):
        found += page.items
    hooks: list[WatchedHook] = []
    remarks: list[str] = []
    for hook in found:
        if hook_id not in {None, hook.id}:
            continue
        watched = await database.run(_watched, hook.id, kind, name, create=hook_id is not None)
        if watched is None:
            host = urlsplit(hook.config.url).hostname
            remarks.append(
                f"hook {hook.id}, which sends to {host}, is left out: nothing of it came here yet; "
                f"--hook {hook.id} looks at it"
            )
        else:
            hooks.append(watched)
    if hook_id is None:
        remarks += [
            f"hook {gone} delivered here, and GitHub does not show it any more: what it missed is lost"
            for gone in await database.run(_gone, kind, name, [hook.id for hook in found])
        ]
    if not found or (hook_id is not None and not hooks):
        raise NotFoundError(f"{name} has no hook {hook_id or 'at GitHub'}")
    return Chosen(hooks, remarks)


def _watched(hook_id: int, kind: HookKind, name: str, *, create: bool) -> WatchedHook | None:
    """Return the row of a hook under its present name."""
    if not create and not WatchedHook.objects.filter(hook_id=hook_id).exists():
        return None
    return WatchedHook.objects.update_or_create(hook_id=hook_id, defaults={"kind": kind, "name": name})[0]


def _gone(kind: HookKind, name: str, shown: Sequence[int]) -> Sequence[int]:
    """Return the ids of hooks that GitHub shows no more, and that may have missed what it still remembers."""
    rows = WatchedHook.objects.filter(kind=kind, name__iexact=name).exclude(hook_id__in=shown)
    lately = rows.filter(last_received_at__gt=row_sets.clock() - retention())
    return list(lately.order_by("pk").values_list("hook_id", flat=True))


async def _of_app(client: Client) -> WatchedHook:
    """Return the hook of the App; before its first delivery here, from the detail of a listed delivery."""
    app = str((await client.get("/app", AppAnswer)).id)
    rows = WatchedHook.objects.filter(kind=HookKind.APP, name=app).order_by("-last_delivery")
    known = await database.run(rows.first)
    if known is not None:
        return known
    page = await client.page("/app/hook/deliveries", ListedDelivery)
    for one in page.items[-1:]:
        detail = await client.get(f"/app/hook/deliveries/{one.id}", DeliveryDetail)
        if hook_id := fetching.hook_id_of(detail):
            created = await database.run(_watched, hook_id, HookKind.APP, app, create=True)
            if created is not None:
                return created
    raise NotFoundError("GitHub lists no delivery of the App's hook")
