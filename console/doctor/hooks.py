"""Checks each known hook at GitHub, and compares the clocks. Needs a credential."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from django.conf import settings

import handlers
import schemas
from console.doctor.findings import Finding, Status
from console.doctor.machine import judged_clock
from console.doctor.services import require_database
from records.models import Hook
from upstream.answers import HookAnswer, HookConfig
from upstream.client import Client
from upstream.credentials import MISSING, Credentials
from upstream.errors import UpstreamError
from upstream.models import HookKind, WatchedHook
from upstream.session import Session

# Seconds: a person waits for the answer.
PATIENCE, ANSWER_WITHIN, BACKOFF = 5.0, 15.0, (0.5, 1.0)
HOOKS_LIMIT = 60.0
# Repositories and organisations whose hooks are read.
MAX_OWNERS = 50
# Seconds: `Date` has no fractions, and an answer may take a while.
UNCERTAIN = 2.0
APP = "/app/hook/config"
# These come without a subscription.
UNSUBSCRIBED = {"ping", "installation", "installation_repositories", "installation_target"}
_PATH = re.compile(r".*/webhooks/github(/[A-Za-z0-9][A-Za-z0-9_-]{0,63})?/?")


def check_hooks(url: str = "") -> Iterator[Finding]:
    """Check the hooks that pinged or that recovery has found.

    `url` is the address that the hooks should have, if known.
    """
    if not Credentials.configured():
        yield Finding(
            "hooks", Status.SKIPPED, "there is no credential for GitHub's API", f"To check, {MISSING}."
        )
        return
    require_database()
    known = _known()
    if settings.GITHUB_APP_ID:
        known[APP] = {0}
    if not known:
        yield Finding("hooks", Status.SKIPPED, "no hook of a repository or an organisation is known yet")
        return
    schemas.modules(handlers)
    handled = set(handlers.registry.handlers) - UNSUBSCRIBED
    owners = sorted(known)[:MAX_OWNERS]
    if len(known) > MAX_OWNERS:
        seen = f"the first {MAX_OWNERS} of {len(known)} repositories and organisations are checked"
        yield Finding("hooks", Status.SKIPPED, seen)
    answers = asyncio.run(_read(owners))
    ahead = [found[1] for found in answers if not isinstance(found, UpstreamError) and found[1] is not None]
    if ahead:
        yield judged_clock("github", min(ahead, key=abs), UNCERTAIN)
    for owner, found in zip(owners, answers, strict=True):
        if isinstance(found, UpstreamError):
            yield Finding(f"hooks of {_name(owner)}", Status.WRONG, "could not be read", str(found))
            continue
        for pk in sorted(known[owner]):
            name = "hook of the App" if owner == APP else f"hook {pk} of {_name(owner)}"
            yield judged(name, found[0].get(pk), handled, url)


def _known() -> dict[str, set[int]]:
    """Return the ids of known hooks by the path of their owner."""
    known: dict[str, set[int]] = defaultdict(set)
    rows = Hook.objects.filter(deleted=False).order_by("pk")
    for pk, repository, organization in rows.values_list("hook_id", "repository__full_name", "organization"):
        if repository:
            known[f"/repos/{repository}/hooks"].add(pk)
        elif organization:
            known[f"/orgs/{organization}/hooks"].add(pk)
    gone = Hook.objects.filter(deleted=True).values("hook_id")
    kinds = (HookKind.REPOSITORY, HookKind.ORGANIZATION)
    for watched in WatchedHook.objects.filter(kind__in=kinds).exclude(hook_id__in=gone):
        known[watched.path.rpartition("/")[0]].add(watched.hook_id)
    return known


Read = tuple[Mapping[int, HookAnswer], float | None]
"""Hooks by id, and the seconds that GitHub's clock is ahead."""


async def _read(paths: Collection[str]) -> list[Read | UpstreamError]:
    async with Client(session=Session(PATIENCE, BACKOFF, ANSWER_WITHIN)) as client:
        return await asyncio.gather(*(_hooks(client, path) for path in paths))


async def _hooks(client: Client, path: str) -> Read | UpstreamError:
    found: dict[int, HookAnswer] = {}
    ahead = None
    try:
        if path == APP:
            # It has neither an id nor a list; its events are a setting of the App.
            config = await client.get(path, HookConfig)
            return {0: HookAnswer(id=0, events=["*"], config=config)}, None
        async for page in client.pages(f"{path}?per_page=100", HookAnswer):
            found |= {hook.id: hook for hook in page.items}
            if page.date is not None:
                # The whole second of `Date` has begun at most a second ago.
                ahead = page.date.timestamp() + 0.5 - time.time()
    except UpstreamError as error:
        return error
    return found, ahead


def _name(path: str) -> str:
    return "the App" if path == APP else path.split("/", 2)[2].removesuffix("/hooks")


def judged(name: str, hook: HookAnswer | None, handled: Collection[str], url: str) -> Finding:
    """Return the finding about a hook as GitHub shows it; None if GitHub does not. Pure."""
    if hook is None:
        return Finding(
            name, Status.WRONG, "GitHub does not show it", "It was deleted, or moved: create a hook there."
        )
    problems = [*_configured(hook, url), *_answered(hook), *_subscribed(hook, handled)]
    if not problems:
        return Finding(name, Status.OK, f"active, sends to {hook.config.url}, {_unsent(hook, handled)}")
    worst = Status.WRONG if any(one[0] is Status.WRONG for one in problems) else Status.WARNING
    return Finding(name, worst, "; ".join(one[1] for one in problems), " ".join(one[2] for one in problems))


Problem = tuple[Status, str, str]


def _configured(hook: HookAnswer, url: str) -> Iterator[Problem]:
    there = hook.config.url
    if not hook.active:
        yield Status.WRONG, "it is not active", "Tick *Active* in its settings: GitHub sends nothing."
    if not hook.config.secret:
        yield Status.WRONG, "it has no secret", "Set the secret of this installation: unsigned is refused."
    if hook.config.content_type not in {"json", "form"}:
        seen = f"its content type is {hook.config.content_type}"
        yield Status.WRONG, seen, "Set it to application/json."
    if url and there.rstrip("/") != url.rstrip("/"):
        yield Status.WARNING, f"it sends to {there}", f"The ping was sent to {url}: is that the same?"
    elif not _PATH.fullmatch(urlsplit(there).path):
        advice = "The webhook is at /webhooks/github, unless a proxy rewrites the path."
        yield Status.WARNING, f"it sends to {there}", advice
    if there.startswith("http://"):
        yield Status.WARNING, "it sends without TLS", "Give it an address with https://."
    if str(hook.config.insecure_ssl) not in {"0", "0.0"}:
        seen = "it does not verify the certificate"
        yield Status.WARNING, seen, "Enable SSL verification in its settings."


def _answered(hook: HookAnswer) -> Iterator[Problem]:
    last = hook.last_response
    if last is None or last.code is None or last.status == "unused":
        return
    if not 200 <= last.code < 300:  # noqa: PLR2004
        seen = f"the last delivery was answered {last.code or 'not at all'}"
        advice = (
            "See *Recent deliveries* at GitHub and `manage.py rejections`; `manage.py recover` brings back."
        )
        yield Status.WRONG, f"{seen}{f' ({last.message})' if last.message else ''}", advice


def _subscribed(hook: HookAnswer, handled: Collection[str]) -> Iterator[Problem]:
    unhandled = sorted(set(hook.events) - set(handled) - {"*"} - UNSUBSCRIBED)
    if unhandled:
        seen = f"no handler wants {', '.join(unhandled)}"
        yield Status.WARNING, seen, "They are stored as ignored: add a handler, or untick them."


def _unsent(hook: HookAnswer, handled: Collection[str]) -> str:
    """Return which handlers get nothing from it: that may be on purpose."""
    if "*" in hook.events:
        return "all events"
    unsent = len(set(handled) - set(hook.events))
    return f"events: {len(hook.events)}; handled events that are not sent: {unsent}"
