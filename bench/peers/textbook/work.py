"""The job of the textbook project: it reads the delivery, then writes each row with the asynchronous ORM.

It does less than Hookkeeper's handlers: no lease, no attempts, no order of snapshots, and only the first push
of a commit.
"""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.textbook.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from bench.peers.textbook.models import Commit, Delivery, Issue, PullRequest, Push, Repository  # noqa: E402

Payload = dict[str, Any]


async def process(pk: int) -> None:
    """Process one delivery."""
    delivery = await Delivery.objects.aget(pk=pk)
    payload = delivery.payload
    repository, _ = await Repository.objects.aget_or_create(
        github_id=payload["repository"]["id"], defaults={"full_name": payload["repository"]["full_name"]}
    )
    await RECORD[delivery.event](repository, payload)
    delivery.processed_at = timezone.now()
    await delivery.asave(update_fields=["processed_at"])


async def _push(repository: Repository, payload: Payload) -> None:
    push, _ = await Push.objects.aget_or_create(
        repository=repository,
        **{name: payload[name] for name in ("ref", "before", "after")},
        defaults={name: payload[name] for name in ("forced", "created", "deleted")},
    )
    for commit in payload["commits"]:
        await Commit.objects.aget_or_create(
            repository=repository,
            sha=commit["id"],
            defaults={
                "push": push,
                "message": commit["message"],
                "author_name": commit["author"]["name"],
                "author_email": commit["author"]["email"],
                "committed_at": commit["timestamp"],
            },
        )


async def _pull_request(repository: Repository, payload: Payload) -> None:
    seen = payload["pull_request"]
    await PullRequest.objects.aupdate_or_create(
        repository=repository,
        number=seen["number"],
        defaults={
            "title": seen["title"],
            "state": "merged" if seen["merged"] else seen["state"],
            "draft": seen["draft"],
            "head_sha": seen["head"]["sha"],
            "updated_at": seen["updated_at"],
        },
    )


async def _issue(repository: Repository, payload: Payload) -> None:
    seen = payload["issue"]
    await Issue.objects.aupdate_or_create(
        repository=repository,
        number=seen["number"],
        defaults={name: seen[name] for name in ("title", "state", "updated_at")},
    )


RECORD = {"push": _push, "pull_request": _pull_request, "issues": _issue}
