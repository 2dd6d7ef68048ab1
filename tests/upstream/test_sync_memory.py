"""A sync of many issues: its memory does not grow with their number."""

import gc
import tracemalloc
from datetime import timedelta

import pytest

from records.models import Issue
from tests import fake_github, servers
from tests.fake_github import Github
from tests.fake_github.repository import Repository
from tests.upstream.conftest import BACKOFF
from tests.upstream.test_sync import advance, begin
from upstream.client import Client
from upstream.credentials import Credentials
from upstream.session import Session
from upstream.sync import Sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once, pytest.mark.counts]

# Bytes. The pages of 400 issues take as much.
GROWTH = 1_500_000


async def test_each_page_is_written_and_forgotten(fake: Github) -> None:
    at = fake.moment() - timedelta(hours=1)
    cat, number = Repository(fake), servers.examples(800, 50_000)
    for one in range(number):
        cat.issue(one, at)
    session = Session(backoff=BACKOFF)
    async with Client(Credentials(fake_github.TOKEN), session, fake.url) as client:
        sync, operation = Sync(client), await begin()
        for _ in range(4):
            operation = await advance(sync, operation)
        tracemalloc.start()
        try:
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            while "issues" in (operation.cursor or {})["open"]:
                operation = await advance(sync, operation)
                fake.seen.clear()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert await Issue.objects.acount() == number
    assert after - before < GROWTH
