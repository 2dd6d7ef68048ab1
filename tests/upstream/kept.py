"""Deliveries of a fake GitHub as the ledger keeps them."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from receiver.models import Delivery, Status
from tests import github
from tests.fake_github import Attempt, Hook

# Of the repository of the fake's hooks; the links name the server whose API is configured.
STAR = (
    (github.PAYLOADS / "star__created.json")
    .read_bytes()
    .replace(b"//github.example", b"//github.com")
    .replace(b"harbour-works/tide-tables", b"octo/cat")
)


def keep(hook: Hook, attempts: Iterable[Attempt], **changes: Any) -> list[Delivery]:
    """Store these as if they had been received, processed and settled."""
    return Delivery.objects.bulk_create(_row(hook, one, changes) for one in attempts)


def _row(hook: Hook, attempt: Attempt, changes: dict[str, Any]) -> Delivery:
    headers = {
        name: value
        for name, value in hook.request(attempt).headers.items()
        if name.startswith("X-GitHub") or name == "User-Agent"
    }
    columns = {
        "guid": attempt.guid,
        "hook_id": hook.id,
        "event": attempt.event,
        "repository": hook.owner if hook.kind == "repository" else "",
        "headers": headers,
        "content_type": "application/json",
        "body": attempt.body,
        "size": len(attempt.body),
        "received_at": timezone.now(),
        "status": Status.SUCCEEDED,
        "finished_at": timezone.now(),
    }
    return Delivery(**{**columns, **changes})
