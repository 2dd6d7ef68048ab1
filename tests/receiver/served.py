"""A server of the receiver's protocol in this process, with an application that a test controls."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from receiver import connections
from receiver.connections import Connections, Stage
from receiver.protocol import LimitedHttpProtocol
from tests.receiver import raw

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOON = 0.2  # seconds: a stage's limit in these tests


class Application:
    """An application that answers when the test allows it, and counts. Only `reads` reads a body."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.answer = b"{}"
        self.reads = False
        self.begun = 0
        self.gone = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        more = self.reads
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            more = message["more_body"]
        await self.may_answer.wait()
        length = str(len(self.answer)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        # The first write does not wait; the second waits for a sender that reads no answers.
        half = len(self.answer) // 2
        await send({"type": "http.response.body", "body": self.answer[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.answer[half:]})


class Server:
    """Run a server of the protocol in this process."""

    def __init__(self, application: Application, state: ServerState, url: str) -> None:
        self.application = application
        self.state = state
        self.url = url

    @property
    def connections(self) -> Connections:
        return connections.of(self.state, asyncio.get_running_loop(), 75)

    @property
    def stages(self) -> list[Stage]:
        return [each.stage for each in self.state.connections if isinstance(each, LimitedHttpProtocol)]


@asynccontextmanager
async def serving(protocol: type[LimitedHttpProtocol] = LimitedHttpProtocol) -> AsyncIterator[Server]:
    """Serve on a free port; cut all connections at the end."""
    application, state, loop = Application(), ServerState(), asyncio.get_running_loop()
    config = Config(application, ws="none", lifespan="off", log_config=None, timeout_keep_alive=75)
    listener = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    try:
        served = Server(application, state, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        served.connections.sweep_every = SOON / 4
        yield served
    finally:
        application.may_answer.set()
        listener.close()
        for each in list(state.connections):
            each.transport.abort()
        await until(lambda: not state.connections and not state.tasks)
        await listener.wait_closed()


async def until(true: Callable[[], object]) -> None:
    """Wait until `true()`."""
    async with asyncio.timeout(raw.WITHIN):
        while not true():  # noqa: ASYNC110 - the protocol has no event for what is waited for
            await asyncio.sleep(0.01)
