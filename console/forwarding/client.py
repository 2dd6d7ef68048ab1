"""Sends a delivery to a target and reads the answer, both within limits. A redirect is an answer."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import TracebackType

import httpx2

from console.forwarding import target as targets
from console.forwarding.outgoing import Outgoing
from console.forwarding.target import Address, Target, TargetError

# Seconds for the whole exchange. GitHub waits as long:
# https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks
ANSWER_WITHIN = 10.0
CONNECT_WITHIN = 5.0  # seconds for each address
LONGEST_ANSWER = 64 * 1024  # bytes that are read; the rest is left


class NotReachedError(Exception):
    """No connection was made, so nothing was sent."""


class NoAnswerError(Exception):
    """The delivery was sent at least in part, and no answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the target."""

    status: int
    seconds: float
    text: str
    """The first `LONGEST_ANSWER` bytes of the body."""
    retry_after: float | None = None
    """Seconds, where the target named them."""


@cache
def _tls() -> ssl.SSLContext:
    """Return the context of all clients: reading the machine's certificates takes tens of milliseconds."""
    return ssl.create_default_context()


class Client:
    """Sends to one target, over one connection where the target keeps it open."""

    def __init__(self, target: Target, accept: Callable[[str, Address], bool] | None = None) -> None:
        """`accept` decides about each address of a host. The check and the connection share one look-up."""
        self._target = target
        self._accept = accept
        self._addresses: list[Address] = []
        self._http = httpx2.AsyncClient(
            # Neither a proxy nor a password file of the environment.
            trust_env=False,
            follow_redirects=False,
            verify=_tls(),
            timeout=httpx2.Timeout(ANSWER_WITHIN, connect=CONNECT_WITHIN),
            limits=httpx2.Limits(max_connections=1),
        )
        self._http.headers.clear()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send a delivery; return the answer. Raises `NotReachedError` or `NoAnswerError`."""
        start = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                response, text = await self._exchange(outgoing)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {ANSWER_WITHIN:g} seconds") from None
        return Answer(
            response.status_code,
            time.perf_counter() - start,
            text,
            _seconds(response.headers.get("Retry-After", "")),
        )

    async def _exchange(self, outgoing: Outgoing) -> tuple[httpx2.Response, str]:
        if not self._addresses:
            self._addresses = await self._look_up()
        failures = []
        for address in self._addresses:
            try:
                return await self._send_to(address, outgoing)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failures.append(f"{address}: {error or type(error).__name__}")
            except httpx2.HTTPError as error:
                raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        self._addresses = []  # the name may have moved
        raise NotReachedError("; ".join(failures))

    async def _look_up(self) -> list[Address]:
        try:
            found = await targets.addresses(self._target)
        except TargetError as error:
            raise NotReachedError(str(error)) from error
        accepted = [one for one in found if self._accept is None or self._accept(self._target.host, one)]
        if not accepted:
            raise NotReachedError(f"{self._target.host} leads to an address that is not allowed")
        return accepted

    async def _send_to(self, address: Address, outgoing: Outgoing) -> tuple[httpx2.Response, str]:
        host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
        headers = [(b"Host", self._target.authority.encode())]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in outgoing.headers.items()]
        request = self._http.build_request(
            "POST",
            f"{self._target.scheme}://{host}:{self._target.port}{self._target.path}",
            headers=headers,
            content=outgoing.body,
            # The certificate must be that of the name, not of the address.
            extensions={"sni_hostname": self._target.host},
        )
        response = await self._http.send(request, stream=True)
        try:
            read = b""
            async for chunk in response.aiter_raw():
                read += chunk
                if len(read) >= LONGEST_ANSWER:
                    break
        finally:
            await response.aclose()
        return response, read[:LONGEST_ANSWER].decode(errors="replace")


def _seconds(text: str) -> float | None:
    """Return the seconds of a `Retry-After`; a date in it is ignored."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None  # noqa: PLR2004
