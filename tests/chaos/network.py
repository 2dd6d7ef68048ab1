"""Machines of one test: network namespaces with an address each, on a switch of their own.

Needs root, on Linux. Nothing of it is in the machine's own namespace. A namespace is named by the process
that made it; what a killed test left behind goes when the next one begins.
"""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

IP = shutil.which("ip", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
SUBNET = "10.77.0"
_NAMED = Path("/run/netns")  # where `ip netns` keeps the namespaces
_OURS = re.compile(r"hk([0-9]+)-\w+")
_CLONE_NEWNET = 0x40000000  # linux/sched.h; `os.setns` is new in Python 3.12


def missing() -> str:
    """Return why there can be no machines here; an empty text if there can."""
    if IP is None or os.geteuid() != 0:
        return "network namespaces need root and iproute2"
    name = f"hk{os.getpid()}-probe"
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "br0", "type", "bridge")
    except subprocess.CalledProcessError as error:
        return f"network namespaces cannot be made here: {error.stderr.strip()}"
    finally:
        subprocess.run([str(IP), "netns", "delete", name], capture_output=True, check=False)
    return ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A namespace with one link, whose other end is a port of the switch."""

    network: "Network"
    name: str
    address: str

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put the calling thread on this machine, with the sockets and processes that it makes meanwhile."""
        with Path("/proc/thread-self/ns/net").open() as home:
            _enter(_NAMED / self.network.full(self.name))
            try:
                yield
            finally:
                _set(home.fileno())

    def vanish(self) -> None:
        """Drop every packet from and to this machine; neither side notices."""
        self.network.on_switch("link", "set", self.name, "nomaster")

    def appear(self) -> None:
        """End `vanish`."""
        self.network.on_switch("link", "set", self.name, "master", "br0")

    def unplug(self) -> None:
        """Take the link down: the machine has no route any more."""
        _ip("-n", self.network.full(self.name), "link", "set", "eth0", "down")

    def plug_in(self) -> None:
        """End `unplug`."""
        _ip("-n", self.network.full(self.name), "link", "set", "eth0", "up")

    def socket_for(self, address: tuple[int, int, int, str, object]) -> socket.socket:
        """Return a socket of this machine for what `getaddrinfo` returned."""
        with self.inside():
            made = socket.socket(*address[:3])
        made.setblocking(False)
        return made


class Network:
    """The switch and its machines."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._add("switch")
        self.on_switch("link", "add", "br0", "type", "bridge", "forward_delay", "0")
        self.on_switch("link", "set", "br0", "up")

    def machine(self, name: str) -> Machine:
        """Add a machine."""
        self._add(name)
        address = f"{SUBNET}.{len(self._names)}"
        full = self.full(name)
        self.on_switch("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", full)
        self.on_switch("link", "set", name, "master", "br0", "up")
        _ip("-n", full, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", full, "link", "set", device, "up")
        return Machine(self, name, address)

    def full(self, name: str) -> str:
        """Return the name of a machine's namespace."""
        return f"hk{os.getpid()}-{name}"

    def on_switch(self, *arguments: str) -> None:
        """Run `ip` in the switch's namespace."""
        _ip("-n", self.full("switch"), *arguments)

    def remove(self) -> None:
        """Remove all of it; the processes on the machines have ended."""
        for name in self._names:
            _ip("netns", "delete", self.full(name))

    def _add(self, name: str) -> None:
        _ip("netns", "add", self.full(name))
        self._names.append(name)


@contextmanager
def network() -> Iterator[Network]:
    """Yield a network, and remove it. First remove what killed tests left, with its processes."""
    sweep()
    made = Network()
    try:
        yield made
    finally:
        made.remove()


def names() -> list[str]:
    """Return the names of the namespaces of all tests."""
    return sorted(path.name for path in _NAMED.glob("hk*"))


def sweep() -> None:
    """Remove the namespaces of processes that are gone, and end what still runs in them."""
    for name in names():
        found = _OURS.fullmatch(name)
        if found is None or Path(f"/proc/{found[1]}").exists():
            continue
        for process in _ip("netns", "pids", name).split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> str:
    return subprocess.run([str(IP), *arguments], capture_output=True, text=True, check=True).stdout


def _enter(namespace: Path) -> None:
    with namespace.open() as there:
        _set(there.fileno())


def _set(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
