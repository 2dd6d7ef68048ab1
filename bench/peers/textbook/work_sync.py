"""The job of `work`, with the synchronous ORM, for queues whose jobs are functions."""

from typing import Any

from django.utils import timezone

from bench.peers.textbook import work
from bench.peers.textbook.models import Commit, Delivery, Issue, PullRequest, Push, Repository

Payload = dict[str, Any]


def process(pk: int) -> None:
    """Process one delivery."""
    delivery = Delivery.objects.get(pk=pk)
    payload = delivery.payload
    repository, _ = Repository.objects.get_or_create(
        github_id=payload["repository"]["id"], defaults={"full_name": payload["repository"]["full_name"]}
    )
    RECORD[delivery.event](repository, payload)
    delivery.processed_at = timezone.now()
    delivery.save(update_fields=["processed_at"])


def _push(repository: Repository, payload: Payload) -> None:
    key, fields = work.push_fields(payload)
    push, _ = Push.objects.get_or_create(repository=repository, **key, defaults=fields)
    for commit in payload["commits"]:
        key, fields = work.commit_fields(commit)
        Commit.objects.get_or_create(repository=repository, **key, defaults={"push": push, **fields})


def _pull_request(repository: Repository, payload: Payload) -> None:
    key, fields = work.pull_request_fields(payload["pull_request"])
    PullRequest.objects.update_or_create(repository=repository, **key, defaults=fields)


def _issue(repository: Repository, payload: Payload) -> None:
    key, fields = work.issue_fields(payload["issue"])
    Issue.objects.update_or_create(repository=repository, **key, defaults=fields)


RECORD = {"push": _push, "pull_request": _pull_request, "issues": _issue}
