"""PostgreSQL as operators run it: a role that owns one schema, and TLS whose certificate is verified."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import database_server, invariants, ledger, stack
from tests.chaos.certificates import Authority
from tests.chaos.counts import Counts
from tests.chaos.database_server import Server
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

pytestmark = pytest.mark.only("postgresql")

HOST = "localhost"
OBJECTS = "SELECT count(*) FROM pg_class WHERE relnamespace = '{}'::regnamespace"


def manage(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command on this database."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=processes.ROOT, capture_output=True, text=True,
        check=False, timeout=120, env=processes.environment(DATABASE_URL=url, SECRET_KEY="x" * 40),
    )  # fmt: skip


@pytest.fixture
def own_schema() -> Iterator[str]:
    """Yield the URL of the role of the docs on the run's server, before anything is migrated."""
    superuser = ledger.named(os.environ["DATABASE_URL"], "postgres")
    yield database_server.create_role(superuser)
    ledger.execute(superuser, "DROP DATABASE hookkeeper WITH (FORCE)")
    ledger.execute(superuser, "DROP ROLE hookkeeper")


@pytest.mark.full
def test_migrations_need_no_right_outside_the_schema_of_their_role(own_schema: str) -> None:
    done = manage(own_schema, "migrate", "--no-input")
    assert done.returncode == 0, done.stderr
    [[own]] = ledger.execute(own_schema, OBJECTS.format("hookkeeper"))
    assert own > 50
    assert ledger.execute(own_schema, OBJECTS.format("public")) == [(0,)]
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert ledger.execute(own_schema, invalid) == [(0,)]


@pytest.fixture
def with_tls(tmp_path: Path) -> Iterator[tuple[str, Authority]]:
    """Yield the URL of the role of the docs on a server that takes TLS alone, and the server's authority."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue(HOST)
    server = Server.of_debian()
    server.configure(
        ["ssl = on", f"ssl_cert_file = '{server.copy(certificate)}'", f"ssl_key_file = '{server.copy(key)}'"],
        ["hostssl all all all scram-sha-256"],
    )
    server.restart()
    there = database_server.create_role(server.superuser).partition("?")[0]
    yield there.replace("@/", f"@{HOST}:{server.port}/"), authority
    server.end()


@pytest.mark.full
@pytest.mark.skipif(not database_server.DEBIANS, reason="Debian's PostgreSQL is not installed")
async def test_receiver_worker_and_console_verify_the_server_and_own_one_schema(
    counts: Counts,
    http: aiohttp.ClientSession,
    with_tls: tuple[str, Authority],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    bare, authority = with_tls
    url = f"{bare}?sslmode=verify-full&sslrootcert={authority.certificate}"
    ledger.migrate(url)
    there = {"DATABASE_URL": url, "REDIS_URL": redis_server.url, "SECRET_KEY": "x" * 40}
    with (
        stack.receiver(tmp_path / "web.log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", **there),
        processes.console(tmp_path / "console.log", **there) as console,
    ):
        sender = Sender(http, receiver.url)
        await sender.crowd([github.sample("push__branch") for _ in range(counts.deliveries // 10)], 20)
        assert set(sender.statuses()) == {202}
        invariants.kept(url, sender)
        assert set(await invariants.ended(url)) == {"succeeded"}
        async with http.get(f"{console}/metrics") as answer:
            assert answer.status == 200
        encrypted = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
        assert ledger.execute(url, f"{encrypted} WHERE usename = 'hookkeeper'") == [(True,)]
    assert ledger.execute(url, OBJECTS.format("public")) == [(0,)]
    another = Authority(tmp_path, "another").certificate
    for wrong, reason in (
        (f"{bare}?sslmode=verify-full&sslrootcert={another}", "certificate verify failed"),
        (url.replace(f"@{HOST}:", "@127.0.0.1:"), 'does not match host name "127.0.0.1"'),
    ):
        done = manage(wrong, "migrate", "--no-input")
        assert done.returncode == 1
        assert reason in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert reason in manage(wrong, "doctor").stdout
    assert "Traceback" not in "".join(path.read_text() for path in tmp_path.glob("*.log"))
