"""Store deliveries as intake does, for the tests of the console."""

from typing import Any
from uuid import uuid4

from django.utils import timezone

from receiver.models import Delivery
from tests import github


def kept(case: str = "push__branch", **changes: Any) -> Delivery:
    """Store one delivery of a sample, by default a push by ada to octo/cat."""
    body = changes.pop("body", None) or github.sample(case).body
    fields = {
        "guid": uuid4(),
        "hook_id": 7,
        "event": case.partition("__")[0],
        "repository": "octo/cat",
        "repository_id": 1296269,
        "sender": "ada",
        "headers": {"X-GitHub-Event": case.partition("__")[0], "User-Agent": "GitHub-Hookshot/044aadd"},
        "content_type": "application/json",
        "body": body,
        "size": len(body),
        "received_at": timezone.now(),
    }
    return Delivery.objects.create(**{**fields, **changes})
