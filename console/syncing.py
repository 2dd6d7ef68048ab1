"""The button that syncs a repository with GitHub's API, and the state of the newest sync."""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import aget_object_or_404, redirect

import database
from console.accounts.roles import require_operator
from console.pages import ActionView, key_of
from ledger import operations, repositories
from ledger.models import OPEN, Kind, Operation
from receiver.queue import OPERATION, wake_workers
from records.models import Repository
from upstream import live
from upstream.credentials import Credentials

logger = logging.getLogger(__name__)


class SyncView(ActionView):
    """Asks a worker to sync a repository."""

    page_name = "repository"

    async def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Create the operation, and go back to the repository."""
        await require_operator(request)
        repository = await aget_object_or_404(Repository, pk=pk)
        if not offered(repository):
            messages.info(
                request, "This repository is not at the server of GITHUB_API_URL, or there is no token."
            )
        elif await database.run(_is_open, repository):
            messages.info(request, "A sync is under way.")
        else:
            user = request.user.get_username()
            await database.run(_create, repository, user, key_of(request))
            logger.info("sync user=%s repository=%s", user, repository.full_name)
            await wake_workers([OPERATION])
            messages.info(request, "A worker reads the repository from GitHub.")
        return redirect("repository", pk=pk)


def offered(repository: Repository) -> bool:
    """Return whether this installation may read the repository."""
    return bool(Credentials.configured()) and live.is_of(repository.server)


def context(repository: Repository) -> Mapping[str, Any]:
    """Return what the page shows: whether a sync is offered, and the newest one. Reads the database."""
    return {"syncs": offered(repository), "sync": repositories.newest_sync(repository)}


def _is_open(repository: Repository) -> bool:
    rows = Operation.objects.filter(OPEN, kind=Kind.SYNC)
    return any(repositories.is_sync_of(row, repository) for row in rows)


def _create(repository: Repository, user: str, key: UUID) -> None:
    parameters = {"repository": repository.full_name, "since": None}
    operations.create(Kind.SYNC, parameters, user, key=key)
