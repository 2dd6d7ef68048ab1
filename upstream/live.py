"""Asks GitHub about one repository, for pages and programs that do not wait long for the answer."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from pydantic import AwareDatetime

import schemas
from upstream.answers import Answer
from upstream.client import Client
from upstream.errors import NotConfiguredError, NotFoundError, UpstreamError

# Seconds after which the answer is left out. It bounds a request of the API to less than two seconds.
LONGEST_WAIT = 1.5


class RepositoryAnswer(Answer):
    """https://docs.github.com/rest/repos/repos#get-a-repository."""

    id: int
    open_issues_count: int
    stargazers_count: int
    forks_count: int
    archived: bool
    default_branch: str


class Rate(Answer):
    """The limit of requests in the present hour."""

    limit: int
    remaining: int
    reset: AwareDatetime


class RateAnswer(Answer):
    """https://docs.github.com/rest/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user."""

    rate: Rate


@dataclass(frozen=True, slots=True)
class Live:
    """The present state of a repository, and of the rate limit, where the server has one."""

    repository: RepositoryAnswer
    limit: int | None
    remaining: int | None
    reset_at: datetime | None


def is_of(server: str) -> bool:
    """Return whether `GITHUB_API_URL` is the API of this server."""
    return schemas.server_of([settings.GITHUB_API_URL], {}) == server


async def read(client: Client, full_name: str, github_id: int, longest: float = LONGEST_WAIT) -> Live | str:
    """Return the state of a repository at GitHub, or the reason why it is left out."""
    owner, _, name = full_name.partition("/")
    try:
        async with asyncio.timeout(longest):
            repository, rate = await asyncio.gather(
                client.get("/repos/{owner}/{name}", RepositoryAnswer, owner=owner, name=name), _rate(client)
            )
    except TimeoutError:
        return f"GitHub did not answer within {longest:g} s"
    except UpstreamError as error:
        return str(error)
    if repository.id != github_id:
        return "GitHub has another repository of this name"
    if rate is None:
        return Live(repository, None, None, None)
    return Live(repository, rate.limit, rate.remaining, rate.reset)


async def _rate(client: Client) -> Rate | None:
    """Return the rate limit; None for a GitHub Enterprise Server without one, as most are.

    None for an App alone, too: each of its installations has its own.

    https://docs.github.com/enterprise-server/rest/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user
    """
    try:
        return (await client.get("/rate_limit", RateAnswer)).rate
    except (NotFoundError, NotConfiguredError):
        return None
