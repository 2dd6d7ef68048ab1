"""The client of GitHub's REST API: credentials, redirects, pages and models over a `Session`."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from types import TracebackType
from typing import Generic, TypeVar
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from gidgethub import sansio
from pydantic import ValidationError

from upstream import limits, refusals
from upstream.answers import Answer, InstallationAnswer, InstallationToken
from upstream.credentials import Authorization, Credentials
from upstream.errors import NotFoundError, UnexpectedAnswerError
from upstream.session import Raw, Session, path_of
from upstream.trails import Trail

MAX_REDIRECTS = 3
PAGE_SIZE = 100
# Seconds after which a new token of an installation may have permissions that the present one lacks.
PERMISSIONS_KNOWN_FOR = 60.0
# Seconds that a request of an operation waits for a rate limit; a longer wait is one between portions.
OPERATION_PATIENCE = 1.0

_OWNER = re.compile(r"/(repos|orgs)/([^/?]+)")
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
# Of a token whose installation was removed, or that is older than a permission.
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

logger = logging.getLogger(__name__)

Model = TypeVar("Model", bound=Answer)


@dataclass(frozen=True, slots=True)
class Page(Generic[Model]):
    """One page of a list. Entries that are not as GitHub documents them are only counted."""

    items: Sequence[Model]
    next: str | None
    etag: str = ""
    unreadable: int = 0
    date: datetime | None = None
    """GitHub's time of the answer; None if it names none."""
    unchanged: bool = False
    """Whether it is still the page that had the caller's ETag, so that its items are not here."""
    digest: str = ""
    """Of the content; empty for a page without entries."""

    def follow(self, trail: Trail) -> Trail:
        """Return the trail to the next page. Raise `UnexpectedAnswerError` if it leads in a circle."""
        return trail.to(*filter(None, (self.next, self.digest)))


class Client:
    """Sends requests to `GITHUB_API_URL`. Use it as an asynchronous context manager.

    Every method raises an `UpstreamError`. `url` is a template with its variables, as
    `/repos/{owner}/{name}`, or the `next` of a page.
    """

    def __init__(
        self, credentials: Credentials | None = None, session: Session | None = None, api_url: str = ""
    ) -> None:
        self.api_url = api_url or settings.GITHUB_API_URL
        self._credentials = credentials or Credentials.configured()
        self._session = session or Session()
        self._fetching = asyncio.Lock()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(self, url: str, model: type[Model], **variables: str | int) -> Model:
        """Return one object."""
        return _model(url, model, await self._request("GET", url, variables))

    async def dated(
        self, url: str, model: type[Model], **variables: str | int
    ) -> tuple[Model, datetime | None]:
        """Return one object, and GitHub's time of the answer; None if it names none."""
        raw = await self._request("GET", url, variables)
        found = _model(url, model, raw)
        with _readable(url):
            return found, _date(raw)

    async def page(
        self, url: str, model: type[Model], *, key: str = "", etag: str = "", **variables: str | int
    ) -> Page[Model]:
        """Return one page of a list. `key` names the list in an object that holds it."""
        url = self._absolute(url, variables)
        return _page(url, model, key, await self._request("GET", url, {}, etag))

    async def pages(
        self, url: str, model: type[Model], *, key: str = "", **variables: str | int
    ) -> AsyncIterator[Page[Model]]:
        """Yield all pages of a list, to its end. Raise `UnexpectedAnswerError` if they lead in a circle."""
        page, trail = await self.page(self._absolute(url, variables), model, key=key), Trail()
        yield page
        while page.next:
            trail = page.follow(trail)
            page = await self.page(page.next, model, key=key)
            yield page

    async def post(self, url: str, **variables: str | int) -> None:
        """Send a POST without a body, once: GitHub may have acted although no answer came."""
        await self._request("POST", url, variables)

    async def _request(
        self, method: str, template: str, variables: Mapping[str, str | int], etag: str = ""
    ) -> Raw:
        """Return the answer, after redirects. It is 304 only if `etag` is given."""
        url = self._absolute(template, variables)
        authorization = await self._authorization(url)
        with _readable(url):
            raw = await self._redirected(method, url, authorization, etag)
            age = 0.0 if raw.status == HTTPStatus.UNAUTHORIZED else PERMISSIONS_KNOWN_FOR
            if raw.status in _REFUSED and self._credentials.forget(authorization, age):
                raw = await self._redirected(method, url, await self._authorization(url), etag)
        if raw.status == HTTPStatus.NOT_MODIFIED and etag:
            return raw
        return _checked(method, url, raw)

    async def _redirected(self, method: str, url: str, authorization: Authorization, etag: str) -> Raw:
        raw = await self._session.send(method, url, authorization, etag)
        for _ in range(MAX_REDIRECTS):
            if raw.status not in _REDIRECTS:
                break
            # A renamed or transferred repository.
            url = self._absolute(urljoin(url, raw.headers.get("location", "")), {})
            raw = await self._session.send(method, url, authorization, etag)
        return raw

    def _absolute(self, url: str, variables: Mapping[str, str | int]) -> str:
        """Return the absolute URL; raise `UnexpectedAnswerError` if it leads to another server."""
        if url.startswith("/"):
            return sansio.format_url(url, variables, base_url=self.api_url)
        if _origin(url) != _origin(self.api_url):
            raise UnexpectedAnswerError(
                f"GitHub's answer leads to another server, {urlsplit(url).hostname}, which gets no credential"
            )
        return url

    async def _authorization(self, url: str) -> Authorization:
        """Return the authorisation of a request: a token if one is set, except for the App's own paths."""
        path = path_of(url).removeprefix(path_of(self.api_url))
        credentials = self._credentials
        if path == "/app" or path.startswith("/app/"):
            return credentials.app()
        owner = _OWNER.match(path)
        if credentials.token or not credentials.app_id or owner is None:
            return credentials.personal()
        kind, name = owner.groups()
        async with self._fetching:
            return await credentials.installation(name.lower(), lambda: self._installation(kind, name))

    async def _installation(self, kind: str, owner: str) -> str:
        """Fetch a token of the App's installation at an account."""
        app = self._credentials.app()
        account = f"{self.api_url}/{'orgs' if kind == 'orgs' else 'users'}/{owner}/installation"
        raw = await self._session.send("GET", account, app)
        if raw.status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(
                f"the App of GITHUB_APP_ID is not installed at {owner}: install it there with the "
                "permissions that docs/how-to/recover.md lists"
            )
        installation = _model(account, InstallationAnswer, _checked("GET", account, raw))
        url = f"{self.api_url}/app/installations/{installation.id}/access_tokens"
        raw = await self._session.send("POST", url, app, repeatable=True)
        token = _model(url, InstallationToken, _checked("POST", url, raw))
        return token.token


def _checked(method: str, url: str, raw: Raw) -> Raw:
    if not HTTPStatus.OK <= raw.status < HTTPStatus.MULTIPLE_CHOICES:
        raise refusals.error(method, path_of(url), raw.status, raw.headers, raw.body)
    return raw


@contextmanager
def _readable(url: str) -> Iterator[None]:
    """Raise `UnexpectedAnswerError` for JSON, a link or a time that Python cannot read."""
    try:
        yield
    except ValueError as error:
        raise UnexpectedAnswerError(f"GitHub's answer to {path_of(url)} cannot be read: {error}") from error


def for_operations() -> Client:
    """Return a client for portions of operations, which wait for a rate limit between two requests."""
    return Client(session=Session(patience=OPERATION_PATIENCE))


def _page(url: str, model: type[Model], key: str, raw: Raw) -> Page[Model]:
    with _readable(url):
        date = _date(raw)
        if raw.status == HTTPStatus.NOT_MODIFIED:
            return Page([], None, date=date, unchanged=True)
        data = raw.data()
        _, _, link = sansio.decipher_response(HTTPStatus.OK, raw.headers, b"")
        # Links name a number, not the owner whose installation of the App may read the page:
        # https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
        following = urlsplit(url)._replace(query=urlsplit(link).query).geturl() if link else None
    if key and isinstance(data, dict):
        data = data.get(key)
    if not isinstance(data, list):
        raise UnexpectedAnswerError(f"GitHub's answer to GET {path_of(url)} is not a list")
    items = [found for one in data if (found := _item(model, one)) is not None]
    digest = sha256(raw.body).hexdigest() if data else ""
    return Page(items, following, raw.headers.get("etag", ""), len(data) - len(items), date, digest=digest)


def _date(raw: Raw) -> datetime | None:
    seconds = limits.server_time(raw.headers)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _model(url: str, model: type[Model], raw: Raw) -> Model:
    with _readable(url):
        found = _item(model, raw.data())
    if found is None:
        raise UnexpectedAnswerError(f"GitHub's answer to {path_of(url)} is not as documented")
    return found


def _item(model: type[Model], data: object) -> Model | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)})
        logger.warning("answer not as documented model=%s fields=%s", model.__name__, ",".join(fields[:5]))
        return None


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
