"""A Redis (Valkey) for one test, which can be killed, emptied, restored, stopped and filled."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from redis import Redis
from redis.exceptions import OutOfMemoryError

from tests import servers


class RedisServer:
    """A server on a unix socket; restarts keep its address."""

    def __init__(self, folder: Path) -> None:
        # The path of a unix socket must be short; the path of a test's folder is not.
        self._sockets = Path(tempfile.mkdtemp(prefix="hk-"))
        self._server = servers.Valkey(
            port=0, data_dir=folder / "valkey", unix_socket_path=self._sockets / "redis.sock", save=""
        )
        self.url = f"unix://{self._sockets / 'redis.sock'}"

    def start(self) -> None:
        """Start it empty, and wait until it answers."""
        self._server.start()

    def kill(self) -> None:
        """End it with SIGKILL; its content is lost."""
        self._server.terminate()

    def stop(self) -> None:
        """End it, and remove its socket."""
        if self._server.is_running():
            self._server.terminate()  # SIGKILL, which ends one that hangs, too
        shutil.rmtree(self._sockets)

    def hang(self) -> None:
        """Stop it with SIGSTOP until `go_on`; connections stay open."""
        with self.client() as client:
            self._process = int(client.info("server")["process_id"])
        os.kill(self._process, signal.SIGSTOP)

    def go_on(self) -> None:
        """Continue after `hang`."""
        os.kill(self._process, signal.SIGCONT)

    def client(self) -> Redis:
        """Return a client, which its context closes."""
        return Redis.from_url(self.url)

    def dump(self) -> dict[bytes, bytes]:
        """Return all keys with their values in Redis's DUMP format."""
        with self.client() as client:
            return {key: client.dump(key) for key in client.scan_iter()}

    def restore(self, backup: dict[bytes, bytes]) -> None:
        """Replace everything by what `dump` returned; no key expires.

        Receivers and workers may write meanwhile: what they write to one of these keys is replaced too.
        """
        with self.client() as client:
            client.flushall()
            for key, value in backup.items():
                client.restore(key, 0, value, replace=True)

    def fill(self) -> None:
        """Use up its memory, so that it refuses every write."""
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
        """Remove the limit of memory."""
        with self.client() as client:
            client.config_set("maxmemory", "0")
