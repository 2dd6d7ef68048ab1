"""Fixtures of the tests of GitHub's API: clients of a fake GitHub."""

from collections.abc import AsyncIterator

import pytest

from tests import fake_github
from tests.fake_github import Github
from upstream.client import Client
from upstream.credentials import Credentials
from upstream.session import Session

# Seconds before repetitions: short, because what is repeated does not depend on them.
BACKOFF = (0.01, 0.01, 0.01)


@pytest.fixture
async def client(fake: Github) -> AsyncIterator[Client]:
    """Yield a client with the token of the tests."""
    async with Client(Credentials(fake_github.TOKEN), Session(backoff=BACKOFF), fake.url) as made:
        yield made
