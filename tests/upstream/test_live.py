"""What GitHub says now about a repository, or why it is left out: never late."""

import time
from datetime import UTC, datetime

import pytest

from tests import fake_github
from tests.fake_github import Github
from upstream import live
from upstream.client import Client
from upstream.credentials import Credentials

RATE = {"rate": {"limit": 5000, "remaining": 4998, "reset": 1_800_000_000, "used": 2}, "resources": {}}
REPOSITORY = {
    "id": 1, "full_name": "octo/cat", "open_issues_count": 7, "stargazers_count": 3, "forks_count": 2,
    "archived": False, "default_branch": "main",
}  # fmt: skip


async def test_counts_and_the_rate_limit_are_read(fake: Github, client: Client) -> None:
    fake.data["/repos/octo/cat"], fake.data["/rate_limit"] = REPOSITORY, RATE
    found = await live.read(client, "octo/cat", 1)
    assert isinstance(found, live.Live)
    assert (found.repository.open_issues_count, found.limit, found.remaining) == (7, 5000, 4998)
    assert found.reset_at == datetime.fromtimestamp(1_800_000_000, UTC)


async def test_counts_are_read_from_a_server_without_a_rate_limit(fake: Github, client: Client) -> None:
    fake.data["/repos/octo/cat"] = REPOSITORY
    found = await live.read(client, "octo/cat", 1)
    assert isinstance(found, live.Live)
    assert (found.repository.open_issues_count, found.limit, found.reset_at) == (7, None, None)


async def test_an_app_alone_reads_counts_without_a_rate_limit(fake: Github) -> None:
    fake.data["/repos/octo/cat"], fake.data["/rate_limit"] = REPOSITORY, RATE
    app = Credentials("", fake_github.APP_ID, fake_github.private_key())
    async with Client(app, api_url=fake.url) as client:
        found = await live.read(client, "octo/cat", 1, longest=30.0)
    assert isinstance(found, live.Live), found
    assert (found.repository.open_issues_count, found.limit) == (7, None)


async def test_a_repository_that_github_does_not_know_is_left_out(fake: Github, client: Client) -> None:
    fake.data["/rate_limit"] = RATE
    assert isinstance(await live.read(client, "octo/gone", 1), str)


async def test_a_repository_that_has_the_name_of_one_that_is_gone_is_left_out(
    fake: Github, client: Client
) -> None:
    fake.data["/repos/octo/cat"], fake.data["/rate_limit"] = REPOSITORY, RATE
    assert await live.read(client, "octo/cat", 2) == "GitHub has another repository of this name"


async def test_an_answer_that_takes_too_long_is_left_out(fake: Github, client: Client) -> None:
    begun = time.monotonic()
    assert "did not answer within" in str(await live.read(client, "octo/cat", 1, longest=0.0))
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("api", "server", "expected"),
    [
        ("https://api.github.com", "github.com", True),
        ("https://api.github.com", "ghe.example", False),
        ("https://api.ghe.example/api/v3", "api.ghe.example", True),
        ("https://api.octo.ghe.com", "octo.ghe.com", True),
    ],
)
def test_only_the_server_of_the_api_is_asked(api: str, server: str, expected: bool, settings: object) -> None:
    settings.GITHUB_API_URL = api  # type: ignore[attr-defined]
    assert live.is_of(server) is expected
