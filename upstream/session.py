"""Sends requests: one HTTP session, timeouts, retries and rate limits."""

import asyncio
import logging
import random
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
from gidgethub import sansio

from upstream import refusals
from upstream.credentials import Authorization
from upstream.errors import LimitedError, UnexpectedAnswerError, UnreachableError, UnsentError
from upstream.limits import Limits

# Supported by github.com until March 2028, and by every supported GHES:
# https://docs.github.com/rest/about-the-rest-api/api-versions
API_VERSION = "2022-11-28"
AGENT = "hookkeeper"
MAX_CONCURRENT = 10
# Seconds for one answer with its body, and to connect.
ANSWER_WITHIN = 60.0
CONNECT_WITHIN = 10.0
# Seconds before each further attempt of a request that may be repeated.
BACKOFF = (1.0, 2.0, 4.0, 8.0)
# Seconds that a request waits for a rate limit: the primary one lasts up to an hour.
PATIENCE = 3900.0
# Seconds between two looks at the limits while other requests may change them.
RECHECK = 0.2
# Answers in a row that a limit is exceeded, before the request fails.
MAX_LIMITED = 10
# Bytes. A delivery's detail holds up to 25 MB of JSON, which may be indented and escaped.
MAX_ANSWER = 128 * 1024 * 1024
# Errors before a connection exists, through a proxy too.
UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)

logger = logging.getLogger(__name__)


class Raw(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def data(self) -> Any:
        """Return the JSON of the body; None without a body. Raise `ValueError` if it cannot be read."""
        try:
            found, _, _ = sansio.decipher_response(HTTPStatus.OK, self.headers, self.body)
        except (LookupError, RecursionError) as error:
            raise ValueError(str(error)) from error
        return found

    @property
    def problem(self) -> str:
        """The fault of the answer, which a repetition may not have; "" for none."""
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return str(self.status)
        if self.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            with suppress(ValueError):
                return "" if isinstance(self.data(), dict | list) else "an answer that is not JSON"
            return "an answer that is not JSON"
        return ""


@cache
def _tls() -> ssl.SSLContext:
    """Return the context of all sessions: reading the machine's certificates takes tens of milliseconds."""
    return httpx2.create_ssl_context()


class Session:
    """Sends up to `MAX_CONCURRENT` requests at once; keeps the limits of each credential.

    `patience` is how many seconds a request waits for a rate limit, `backoff` the seconds before each
    repetition.
    """

    def __init__(
        self,
        patience: float = PATIENCE,
        backoff: Sequence[float] = BACKOFF,
        answer_within: float = ANSWER_WITHIN,
    ) -> None:
        self._patience = patience
        self._backoff = backoff
        self._answer_within = answer_within
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._limits: dict[str, Limits] = {}
        self._http = httpx2.AsyncClient(
            verify=_tls(),
            timeout=httpx2.Timeout(answer_within, connect=CONNECT_WITHIN),
            limits=httpx2.Limits(max_connections=MAX_CONCURRENT),
            headers={"X-GitHub-Api-Version": API_VERSION},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(
        self, method: str, url: str, authorization: Authorization, etag: str = "", *, repeatable: bool = False
    ) -> Raw:
        """Return the answer to a request, whatever its status below 500.

        After a limit, or without a connection, the request is repeated, because GitHub has not done it. After
        an outage or a broken answer only a GET or a `repeatable` request is. Raises `LimitedError`,
        `UnreachableError` and `UnexpectedAnswerError`.
        """
        headers = sansio.create_headers(AGENT) | {"authorization": authorization.header}
        if etag:
            headers["if-none-match"] = etag
        limits = self._limits.setdefault(authorization.name, Limits())
        pauses = iter(self._backoff)
        while True:
            found = await self._attempt(limits, method, url, headers)
            if isinstance(found, Raw):
                return found
            kind, reason = found
            pause = next(pauses, None) if repeatable or method == "GET" or kind is UnsentError else None
            if pause is None:
                raise kind(f"GitHub did not answer {method} {path_of(url)}: {reason}; try later")
            logger.info("repeated method=%s path=%s reason=%s", method, path_of(url), reason)
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - no secret

    async def _attempt(
        self, limits: Limits, method: str, url: str, headers: dict[str, str]
    ) -> Raw | tuple[type[UnreachableError], str]:
        """Return the answer, or the fault in it."""
        for _ in range(MAX_LIMITED):
            async with self._slots:
                await self._wait(limits, url)
                try:
                    raw, limited = await self._exchange(limits, method, url, headers)
                except TimeoutError:
                    return UnreachableError, "no answer in time"
                except httpx2.HTTPError as error:
                    return UnsentError if isinstance(error, UNSENT) else UnreachableError, _reason(error)
                except httpx2.InvalidURL:
                    raise UnexpectedAnswerError("GitHub's answer leads to an invalid URL") from None
            if not limited:
                return (UnreachableError, problem) if (problem := raw.problem) else raw
        now = asyncio.get_running_loop().time()
        raise LimitedError(f"GitHub limits {method} {path_of(url)} again and again", limits.wait(now))

    async def _wait(self, limits: Limits, url: str) -> None:
        """Wait until the limits allow a request; raise `LimitedError` if that is beyond the patience."""
        loop = asyncio.get_running_loop()
        logged = False
        while (seconds := limits.wait(loop.time())) > 0:
            if not logged and seconds > 1:
                logger.info("rate limit wait=%.0f path=%s", seconds, path_of(url))
                logged = True
            if seconds > self._patience:
                raise LimitedError(
                    f"GitHub's rate limit ends in {seconds:.0f} seconds; try again then", seconds
                )
            await asyncio.sleep(min(seconds, RECHECK))

    async def _exchange(
        self, limits: Limits, method: str, url: str, headers: dict[str, str]
    ) -> tuple[Raw, bool]:
        """Send one request; return its answer, and whether it says that the limit is exceeded."""
        limits.sent()
        try:
            async with (
                asyncio.timeout(self._answer_within),
                self._http.stream(method, url, headers=headers, content=b"") as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise UnexpectedAnswerError(f"GitHub's answer to {path_of(url)} is too large")
                raw = Raw(response.status_code, response.headers, bytes(body))
            now = asyncio.get_running_loop().time()
            return raw, limits.answered(raw.status, raw.headers, raw.body, now)
        finally:
            limits.ended()


def _reason(error: httpx2.HTTPError) -> str:
    """Return what a failed exchange says, such as that a certificate is not trusted."""
    return ": ".join(filter(None, (type(error).__name__, refusals.text(str(error)))))


def path_of(url: str) -> str:
    """Return the path of a URL, for messages: a query may hold a long cursor."""
    return urlsplit(url).path
