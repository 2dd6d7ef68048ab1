"""Links from a delivery to the records that its handlers wrote. Naming the records is pure.

Records do not refer to deliveries, so they are found by the keys in the payload, as the handlers find them.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from receiver.models import Delivery
from records.models import Commit, Issue, PullRequest, Repository
from schemas import links_of, server_of

# Commits of a push that are linked; its page in the list of deliveries has the payload with all.
MAX_COMMITS = 20
SHORT_SHA = 10  # characters
# Parts of a repository's page by the event that writes them.
_PARTS = {
    "push": "pushes", "create": "refs", "delete": "refs", "release": "releases", "workflow_run": "runs",
    "ping": "hooks", "meta": "hooks",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A record with the path of its page."""

    kind: str
    name: str
    path: str


def commits(payload: object) -> list[str]:
    """Return the hashes of the commits that a push carried, newest first."""
    listed = payload.get("commits") if isinstance(payload, Mapping) else None
    found = [one.get("id") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    # NUL and lone surrogates, which no database takes, are not printable.
    return [sha for sha in found if isinstance(sha, str) and sha.isprintable()][::-1][:MAX_COMMITS]


async def links(delivery: Delivery, payload: object) -> list[Link]:
    """Return the records that exist, of those that the delivery names."""
    named = {
        "server": server_of(links_of(payload), delivery.headers),
        "github_id": delivery.repository_id or 0,
    }
    repository = await Repository.objects.filter(**named).afirst()
    if repository is None:
        return []
    page, event, number = f"/repositories/{repository.pk}", delivery.event, delivery.number
    part = f"#{_PARTS[event]}" if event in _PARTS else ""
    found = [Link("repository", repository.full_name, page + part)]
    if number is not None:
        found += [link async for link in _numbered(repository, number, page)]
    elif event == "push" and (shas := commits(payload)):
        stored = Commit.objects.filter(repository=repository, sha__in=shas).values_list("sha", flat=True)
        known = {sha async for sha in stored}
        found += [Link("commit", sha[:SHORT_SHA], f"{page}/commits/{sha}") for sha in shas if sha in known]
    return found


async def _numbered(repository: Repository, number: int, page: str) -> AsyncIterator[Link]:
    """Yield the pull request and the issue of a number: GitHub counts both together, so one exists."""
    for kind, model, path in (("pull request", PullRequest, "pulls"), ("issue", Issue, "issues")):
        rows = model._default_manager.filter(repository=repository, number=number)
        async for title in rows.values_list("title", flat=True)[:1]:
            yield Link(kind, f"#{number} {title}", f"{page}/{path}/{number}")
