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
    key, fields = push_fields(payload)
    push, _ = await Push.objects.aget_or_create(repository=repository, **key, defaults=fields)
    for commit in payload["commits"]:
        key, fields = commit_fields(commit)
        await Commit.objects.aget_or_create(repository=repository, **key, defaults={"push": push, **fields})


async def _pull_request(repository: Repository, payload: Payload) -> None:
    key, fields = pull_request_fields(payload["pull_request"])
    await PullRequest.objects.aupdate_or_create(repository=repository, **key, defaults=fields)


async def _issue(repository: Repository, payload: Payload) -> None:
    key, fields = issue_fields(payload["issue"])
    await Issue.objects.aupdate_or_create(repository=repository, **key, defaults=fields)


RECORD = {"push": _push, "pull_request": _pull_request, "issues": _issue}


def push_fields(payload: Payload) -> tuple[Payload, Payload]:
    """Return the key of a push and its other fields; those below do the same for the other kinds."""
    key = {name: payload[name] for name in ("ref", "before", "after")}
    return key, {name: payload[name] for name in ("forced", "created", "deleted")}


def commit_fields(commit: Payload) -> tuple[Payload, Payload]:
    """See `push_fields`."""
    return {"sha": commit["id"]}, {
        "message": commit["message"],
        "author_name": commit["author"]["name"],
        "author_email": commit["author"]["email"],
        "committed_at": commit["timestamp"],
    }


def pull_request_fields(seen: Payload) -> tuple[Payload, Payload]:
    """See `push_fields`."""
    return {"number": seen["number"]}, {
        "title": seen["title"],
        "state": "merged" if seen["merged"] else seen["state"],
        "draft": seen["draft"],
        "head_sha": seen["head"]["sha"],
        "updated_at": seen["updated_at"],
    }


def issue_fields(seen: Payload) -> tuple[Payload, Payload]:
    """See `push_fields`."""
    return {"number": seen["number"]}, {name: seen[name] for name in ("title", "state", "updated_at")}
