"""A new version takes over from the one before it under load, without a gap."""

import asyncio
import os
import shutil
import subprocess
import tarfile
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests import processes, servers
from tests.chaos import invariants, ledger
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

# The version that the migrations of this one must leave working: the last before 0.2.0. It moves with each
# release, and only then may a migration take away what that version used.
BEFORE = "9c7e3a26686d2e4b34c3c22d26f64419346a2a14"
GIT = shutil.which("git")

# It starts six processes, one after the other.
pytestmark = [pytest.mark.full, pytest.mark.only("postgresql")]


def known() -> bool:
    """Say whether this checkout has the history back to the version before."""
    return GIT is not None and not subprocess.run(
        [GIT, "cat-file", "-e", f"{BEFORE}^{{commit}}"],
        cwd=processes.ROOT, capture_output=True, check=False,
    ).returncode  # fmt: skip


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Return a checkout of the version before."""
    if not known():
        pytest.skip(f"the history has no {BEFORE[:7]}")
    folder = tmp_path / "before"
    folder.mkdir()
    archive = subprocess.run(
        [str(GIT), "archive", BEFORE], cwd=processes.ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def empty() -> str:
    """Return the URL of a database without tables."""
    name = f"upgrade_{uuid4().hex}"
    ledger.execute(os.environ["DATABASE_URL"], f"CREATE DATABASE {name}")
    return ledger.named(os.environ["DATABASE_URL"], name)


async def test_a_new_version_takes_over_under_load_and_loses_nothing(
    http: aiohttp.ClientSession, empty: str, before: Path, redis_server: RedisServer, tmp_path: Path
) -> None:
    # By default, this version stores nothing that the one before cannot read.
    there = {"DATABASE_URL": empty, "REDIS_URL": redis_server.url, "COMPRESS_WITH_DICTIONARY": "off"}
    then = there | {"CHECKOUT": str(before)}
    ledger.migrate(empty, before)
    with ExitStack() as old, ExitStack() as new:
        old_receiver = old.enter_context(processes.receiver(tmp_path / "old.log", **then))
        old.enter_context(processes.worker(tmp_path / "old-worker.log", **then))
        first = Sender(http, old_receiver)
        async with first.traffic(per_second=30):
            await asyncio.sleep(0.5)
            # The old version goes on while the tables change, and after.
            await asyncio.to_thread(ledger.migrate, empty)
            await asyncio.sleep(0.5)
            new_receiver = await asyncio.to_thread(
                new.enter_context, processes.receiver(tmp_path / "new.log", **there)
            )
            # Both workers claim from one ledger.
            await asyncio.to_thread(
                new.enter_context,
                processes.worker(tmp_path / "new-worker.log", **there),
            )
            second = Sender(http, new_receiver)
            async with second.traffic(per_second=30):
                await asyncio.sleep(1)
        await asyncio.to_thread(old.close)
        async with second.traffic(per_second=30):
            await asyncio.sleep(0.5)
        # On a slow machine, a migration may lock the table for longer than a delivery waits.
        gap = set() if servers.full_counts else {503}
        assert {202} <= set(first.statuses()) <= {202} | gap
        assert set(second.statuses()) == {202}
        invariants.kept(empty, first, second)
        ended = await invariants.ended(empty)
    assert ended == {"succeeded": len(first.promised() | second.promised())}
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "Traceback" not in logs
