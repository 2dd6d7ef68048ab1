"""Several machines, each a network namespace: two receivers behind nginx, three workers, PostgreSQL, Redis.

Each is cut off, restarted or emptied while signed deliveries arrive in order.
"""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes, servers
from tests.chaos import database_server, invariants, journal, ledger, network, proxies, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.network import Machine, Network
from tests.chaos.sender import Sender
from tests.chaos.test_order import done_once, in_order, one_at_a_time, succeeded_runs
from tests.chaos.written import Entry

MISSING = network.missing()
pytestmark = [
    pytest.mark.full,
    pytest.mark.only("postgresql"),
    pytest.mark.skipif(MISSING != "", reason=MISSING),
    pytest.mark.skipif(proxies.NGINX is None, reason="nginx is not installed"),
]

RECEIVERS = ("receiver1", "receiver2")
WORKERS = ("worker1", "worker2", "worker3")
REPOSITORIES = range(1, 7)
PAUSE = 0.25  # seconds between two deliveries of a repository, which are processed one at a time
LEASE = 8.0  # seconds; a busy machine may stall for some
WITHIN = 90.0  # seconds, for what follows a fault
PORT = 8000


class Installation:
    """What runs on the machines, until `end`."""

    def __init__(self, machines: Network, folder: Path) -> None:
        self.running = ExitStack()
        self.folder = folder
        names = (*RECEIVERS, *WORKERS, "nginx", "redis", "postgresql", "github")
        self.machines = {name: machines.machine(name) for name in names}
        self.database_server = database_server.Server.of_the_wheel()
        self.running.callback(self.database_server.end)
        self.database_server.configure([], ["host all all all scram-sha-256"])
        with self.machines["postgresql"].inside():
            self.database_server.restart()
        #: For the test, through the socket.
        self.database = database_server.create_role(self.database_server.superuser)
        self._environment = {
            "DATABASE_URL": self.database.partition("?")[0].replace("@/", f"@{self.address('postgresql')}/"),
            "REDIS_URL": f"redis://{self.address('redis')}/0",
            "FORWARDED_ALLOW_IPS": self.address("nginx"),
            "UVICORN_HOST": "0.0.0.0",  # noqa: S104 - of a namespace
            "PORT": str(PORT),
        }
        self.redis = servers.Valkey(
            port=6379, host=self.address("redis"), data_dir=folder / "redis",
            bind=self.address("redis"), **{"protected-mode": "no"},
        )  # fmt: skip
        ledger.migrate(self.database)
        journal.create(self.database)

    def address(self, name: str) -> str:
        return self.machines[name].address

    def start(self) -> None:
        """Start everything."""
        with self.machines["redis"].inside():
            self.redis.start()
        self.running.callback(self.redis.stop)
        for name in RECEIVERS:
            with self.machines[name].inside():
                self.running.enter_context(stack.receiver(self.log(name), **self._environment))
        self.workers = {}
        handlers = {"HANDLERS": "tests.chaos.ordered", "LEASE": str(LEASE)}
        for name in WORKERS:
            with self.machines[name].inside():
                worker = processes.worker(
                    self.log(name), stack.SHORT_LEASE_WORKER, **self._environment, **handlers
                )
                self.workers[name] = self.running.enter_context(worker)
        receivers = [f"{self.address(name)}:{PORT}" for name in RECEIVERS]
        with self.machines["nginx"].inside():
            proxy = proxies.nginx(self.folder, receivers, self.address("nginx"))
            self.proxy = self.running.enter_context(proxy)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def held(self, name: str) -> list[int]:
        """Return the ids of the deliveries that a worker has."""
        return self._ids(f"{self._of(name)} AND status = 'processing'")

    def settled_by(self, name: str, ids: Sequence[int]) -> list[int]:
        """Return which of these a worker settled."""
        among = ", ".join(map(str, ids))
        return self._ids(f"{self._of(name)} AND status = 'succeeded' AND id IN ({among})")

    def settled_since(self, newest: int, *names: str) -> list[int]:
        """Return the ids of what these workers settled, of what came after the delivery with this id."""
        by = " OR ".join(map(self._of, names))
        return self._ids(f"({by}) AND status = 'succeeded' AND id > {newest}")

    def newest(self) -> int:
        """Return the id of the newest delivery."""
        [[found]] = ledger.execute(self.database, "SELECT max(id) FROM receiver_delivery")
        return int(found)

    def _of(self, name: str) -> str:
        return f"worker LIKE '%:{self.workers[name].pid}:%'"

    def _ids(self, where: str) -> list[int]:
        return [
            pk for (pk,) in ledger.execute(self.database, f"SELECT id FROM receiver_delivery WHERE {where}")
        ]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Yield everything running, on machines that are removed after the test."""
    with network.network() as machines:
        made = Installation(machines, tmp_path)
        with made.running:
            made.start()
            yield made


@asynccontextmanager
async def ordered_traffic(sender: Sender, numbers: Iterator[int]) -> AsyncIterator[None]:
    """Send the pushes of each repository one after the other; send again what is not accepted."""
    stopping = asyncio.Event()

    async def send(repository: int) -> None:
        while not stopping.is_set():
            request = github.request("push", stored.push(next(numbers), repository))
            while (await sender.send(request)).status not in {200, 202}:
                await asyncio.sleep(0.2)
            await asyncio.sleep(PAUSE)

    sending = [asyncio.create_task(send(repository)) for repository in REPOSITORIES]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*sending)


async def until(true: Callable[[], object], what: str) -> None:
    """Wait in a thread, so that the traffic goes on."""
    await asyncio.to_thread(processes.wait_until, true, what, WITHIN)


async def cut_off(machine: Machine, how: str, seconds: float) -> None:
    """Cut a machine off, in one of two ways, and connect it again."""
    off, on = {"vanish": (machine.vanish, machine.appear), "unplug": (machine.unplug, machine.plug_in)}[how]
    off()
    await asyncio.sleep(seconds)
    on()


async def cut_worker_off(there: Installation, name: str, how: str, seconds: float) -> None:
    """Cut a worker off while it holds deliveries, until others have settled them; then wait for it."""
    machine = there.machines[name]
    off, on = {"vanish": (machine.vanish, machine.appear), "unplug": (machine.unplug, machine.plug_in)}[how]
    while True:
        off()
        await asyncio.sleep(0.5)  # what was on its way arrives
        if held := there.held(name):
            break
        on()
        await asyncio.sleep(0.5)
    since = time.monotonic()
    others = [other for other in WORKERS if other != name]

    def taken_over() -> bool:
        return sum(len(there.settled_by(other, held)) for other in others) == len(held)

    await until(taken_over, "others settle what the worker had")
    await asyncio.sleep(max(0.0, since + seconds - time.monotonic()))
    newest = there.newest()
    on()
    await until(lambda: there.settled_since(newest, name), "the worker settles new deliveries again")
    assert taken_over()


async def test_no_accepted_delivery_is_lost_and_none_out_of_order_whichever_machine_is_cut_off(
    counts: Counts, installation: Installation
) -> None:
    there = installation
    sent_from = there.machines["github"]
    connector = aiohttp.TCPConnector(limit=0, ssl=there.proxy.tls, socket_factory=sent_from.socket_for)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(10)) as http:
        sender = Sender(http, there.proxy.url)

        async def recovered() -> None:
            await sender.recovered(time.monotonic(), within=WITHIN)
            newest = there.newest()
            await until(lambda: there.settled_since(newest, *WORKERS), "new deliveries are settled")

        async with ordered_traffic(sender, count()):
            await recovered()
            for name, how in (("receiver1", "unplug"), ("receiver2", "vanish")):
                await cut_off(there.machines[name], how, counts.cut_off)
                await recovered()
            for name, how in (("worker1", "vanish"), ("worker2", "unplug")):
                await cut_worker_off(there, name, how, counts.cut_off)
                await recovered()
            before = time.time()
            with there.machines["postgresql"].inside():
                there.database_server.restart()
            restarted = (before, time.time())
            await recovered()
            there.redis.terminate()
            await recovered()
            with there.machines["redis"].inside():
                there.redis.start()
            await recovered()
            there.proxy.process.send_signal(signal.SIGHUP)
            await recovered()
    assert set(await invariants.ended(there.database, within=WITHIN)) == {"succeeded"}
    invariants.kept(there.database, sender)
    for worker in there.workers.values():
        assert await asyncio.to_thread(processes.stop, worker, signal.SIGTERM) == 0
    lines = journal.entries(there.database, "began", "ended")
    cut = {there.workers["worker1"].pid, there.workers["worker2"].pid}
    broken: set[int] = set()
    for repository in REPOSITORIES:
        mine = [line for line in lines if line.repository == repository]
        # A worker that comes back writes the end of a run that another worker has taken over meanwhile.
        mine = [line for line in mine if line.what == "began" or line.process not in cut]
        assert in_order(mine)
        broken |= at_work_during(mine, *restarted)
        assert one_at_a_time([line for line in mine if line.number not in broken], cut)
    pushed = len(ledger.rows(there.database))
    assert journal.effects(there.database) == pushed
    done = [line for line in journal.entries(there.database, "done") if line.number not in broken]
    assert done_once(done, cut)
    assert succeeded_runs(there.database) == {1: pushed}


def at_work_during(lines: list[Entry], start: float, end: float) -> set[int]:
    """Return the numbers of the pushes of a repository that were at work while PostgreSQL restarted.

    Such a run may repeat, and what it wrote into the journal may be lost, or be there twice.
    """
    start -= 1  # from the insertion to the commit on a busy machine
    last = [line for line in lines if line.at < start][-1:]
    return {line.number for line in last + [line for line in lines if start <= line.at <= end]}


def test_what_a_killed_test_left_is_removed_when_the_next_begins() -> None:
    code = (
        "import os, subprocess; from tests.chaos import network\n"
        "with network.network() as made, made.machine('one').inside():\n"
        "    print(subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL).pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)"
    )
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=processes.ROOT, stdout=subprocess.PIPE)
    left, _ = killed.communicate(timeout=60)
    assert f"hk{killed.pid}-one" in network.names()
    assert alive(int(left))
    network.sweep()
    assert not [name for name in network.names() if name.startswith(f"hk{killed.pid}-")]
    processes.wait_until(lambda: not alive(int(left)), "the process on the machine ends")


def alive(process: int) -> bool:
    """Return whether a process runs; one that ended and was not collected does not."""
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
