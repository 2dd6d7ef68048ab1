"""PostgreSQL behind pgbouncer in transaction mode: no statement has a name that another client could have."""

from pathlib import Path

import aiohttp
import psycopg
import pytest

from configuration import data_folder
from tests import github, processes
from tests.chaos import invariants, pooler, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

pytestmark = [
    pytest.mark.only("postgresql"),
    pytest.mark.skipif(pooler.PROGRAM is None, reason="pgbouncer is not installed"),
]


async def visit(console: str, token: str, *pages: str) -> None:
    """Sign in with the token of a link, and open pages."""
    # This jar keeps cookies of a host that is an address.
    async with aiohttp.ClientSession(console, cookie_jar=aiohttp.CookieJar(unsafe=True)) as visitor:
        for page in (f"/sign-in/{token}", *pages):
            async with visitor.get(page) as answer:
                assert (answer.status, str(answer.url).count("sign-in")) == (200, 0)


async def test_receivers_workers_and_console_share_a_few_connections_of_a_pooler(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with pooler.pooling(database) as pooled:
        data = tmp_path / "data"
        data.mkdir(mode=0o700)
        there = {"DATABASE_URL": pooled, "REDIS_URL": redis_server.url}
        there |= {"HOOKKEEPER_DATA": str(data), "SECRET_KEY": "x" * 40}
        with (
            stack.receiver(tmp_path / "one.log", **there) as one,
            stack.receiver(tmp_path / "other.log", **there) as other,
            processes.worker(tmp_path / "worker.log", **there),
            processes.worker(tmp_path / "second.log", **there),
            processes.console(tmp_path / "console.log", **there) as console,
        ):
            senders = Sender(http, one.url), Sender(http, other.url)
            half = counts.deliveries // 2
            for sender in senders:
                crowd = [github.sample("push__branch") for _ in range(half)]
                await sender.crowd(crowd[: half // 2], 10)
                await sender.crowd(crowd[half // 2 :], counts.connections)
            await visit(console, data_folder.new_link(data), "/", "/deliveries", "/repositories", "/metrics")
            assert senders[0].statuses() == senders[1].statuses() == {202: half}
            invariants.kept(database, *senders)
            assert await invariants.ended(database, within=120) == {"succeeded": 2 * half}
        # A session's setting would reach whoever gets its server connection next.
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as client:
            for name in ("statement_timeout", "lock_timeout"):
                assert client.execute(f"SHOW {name}".encode()).fetchone() == ("0",)
            assert client.execute("SHOW plan_cache_mode").fetchone() == ("auto",)
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "prepared statement" not in logs
    assert "Traceback" not in logs
