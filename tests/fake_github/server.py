"""The server: routes, credentials, limits and faults, in a thread with an event loop of its own."""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fake_github import hooks
from tests.fake_github.github import AnswerError, Github, Seen, deliver
from tests.fake_github.hooks import Attempt, Hook

APP_ID = "4711"
INSTALLATION = 99
JSON = {"Content-Type": "application/json"}
PAGE = 30


@cache
def private_key() -> str:
    """Return the key of the tests' App as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """The endpoints."""

    def __init__(self, fake: Github) -> None:
        self.fake = fake
        self._sending: set[asyncio.Task[Any]] = set()
        self._under_way = 0

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        for prefix in ("/repos/{owner}/{name}/hooks", "/orgs/{owner}/hooks"):
            app.router.add_get(prefix, self._hooks)
            app.router.add_get(prefix + "/{hook}", self._hook)
        for prefix in ("/repos/{owner}/{name}/hooks/{hook}", "/orgs/{owner}/hooks/{hook}", "/app/hook"):
            app.router.add_get(prefix + "/deliveries", self._deliveries)
            app.router.add_get(prefix + "/deliveries/{delivery}", self._delivery)
            app.router.add_post(prefix + "/deliveries/{delivery}/attempts", self._attempts)
        app.router.add_get("/users/{owner}/installation", self._installation)
        app.router.add_get("/orgs/{owner}/installation", self._installation)
        app.router.add_post("/app/installations/{id}/access_tokens", self._access_token)
        app.router.add_get("/{path:.*}", self._data)
        app.on_cleanup.append(self._end)
        return app

    async def _end(self, _app: web.Application) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer limits, faults, redirects and missing permissions; note the request."""
        fake = self.fake
        seen = Seen(time.monotonic(), request.method, request.path, headers=dict(request.headers))
        fake.seen.append(seen)
        self._under_way += 1
        fake.most_at_once = max(fake.most_at_once, self._under_way)
        try:
            response = await self._limited(request, handler)
        finally:
            self._under_way -= 1
        response.headers["Date"] = format_datetime(fake.moment(), usegmt=True)
        seen.status = response.status
        return response

    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fake = self.fake
        refused = fake.limits.take(fake.now(), request.path)
        if refused is not None:
            status, headers, body = refused
            return web.Response(status=status, headers=headers, body=body, content_type="application/json")
        if (instead := fake.faults.answer(request.method, request.path)) is not None:
            status, headers, body = instead
            return web.Response(status=status, headers=JSON | headers, body=body)
        response = await self._faulty(request, handler)
        response.headers.update(fake.limits.headers())
        return response

    async def _faulty(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self.fake.faults.draw()
        lost = fault in {"bad_gateway", "broken", "html", "cut"}
        if lost and request.method == "POST" and self._unauthorized(request) is None:
            await handler(request)  # an answer that got lost says nothing about the work
        if fault == "bad_gateway":
            return web.Response(status=502, text="<html>Unicorn!</html>", content_type="text/html")
        if fault == "broken":
            return web.Response(body=b'[{"id": 12', content_type="application/json")
        if fault == "html":
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        if fault == "cut":
            assert request.transport is not None
            request.transport.abort()
        if fault == "slow":
            await asyncio.sleep(self.fake.faults.slow_for)
        for before, to in self.fake.moved.items():
            if request.path.startswith(before):
                there = urljoin(self.fake.url, to + request.raw_path.removeprefix(before))
                return _json({"message": "Moved Permanently", "url": there}, 301, {"Location": there})
        try:
            return self._unauthorized(request) or await handler(request)
        except AnswerError as error:
            return _json({"message": str(error)}, error.status)

    def _unauthorized(self, request: web.Request) -> web.Response | None:
        kind, _, credential = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            key = serialization.load_pem_private_key(private_key().encode(), None)
            public = key.public_key()
            assert isinstance(public, rsa.RSAPublicKey)
            try:
                claims = jwt.decode(credential, public, ["RS256"], options={"verify_iat": False})
            except jwt.PyJWTError:
                return _json({"message": "A JSON web token could not be decoded"}, 401)
            return None if claims["iss"] == APP_ID else _json({"message": "Integration not found"}, 404)
        permissions = self.fake.tokens.get(credential)
        if permissions is None:
            return _json({"message": "Bad credentials"}, 401)
        needed = "write" if request.method == "POST" else "read"
        if "/hooks" in request.path and permissions.get("webhooks") not in {needed, "write"}:
            headers = {"X-Accepted-GitHub-Permissions": f"webhooks={needed}"}
            return _json({"message": "Resource not accessible by personal access token"}, 403, headers)
        return None

    def _find(self, request: web.Request) -> Hook:
        match = request.match_info
        for hook in self.fake.hooks:
            if request.path.startswith("/app/"):
                if hook.kind == "app":
                    return hook
            elif hook.id == int(match["hook"]) and hook.owner.lower() == _owner(request):
                return hook
        raise AnswerError(404, "Not Found")

    async def _hooks(self, request: web.Request) -> web.Response:
        rows = [hook.as_json() for hook in self.fake.hooks if hook.owner.lower() == _owner(request)]
        return self._listed(request, rows)

    async def _hook(self, request: web.Request) -> web.Response:
        return _json(self._find(request).as_json())

    async def _deliveries(self, request: web.Request) -> web.Response:
        hook = self._find(request)
        attempts = hook.kept(self.fake.moment())
        if text := request.query.get("cursor"):
            try:
                attempts = hooks.after(attempts, text)
            except ValueError:
                raise AnswerError(422, "Invalid cursor") from None
        size = min(100, int(request.query.get("per_page", PAGE)))
        shown = attempts[:size]
        headers = {}
        if self.fake.faults.circle and len(attempts) <= size:
            shown = hook.kept(self.fake.moment())[:size]
        if self.fake.faults.circle or len(attempts) > size:
            query = f"per_page={size}&cursor={hooks.cursor(shown[-1])}"
            if self.fake.faults.new_cursors:
                query += f"&at={len(self.fake.seen)}"
            headers["Link"] = f'<{self.fake.url}{_numbered(request.path)}?{query}>; rel="next"'
        return _tagged(request, [hooks.listed(one) for one in shown], headers)

    async def _delivery(self, request: web.Request) -> web.Response:
        hook, attempt = self._attempt(request)
        age = (self.fake.moment() - attempt.delivered_at).total_seconds()
        if age < self.fake.faults.listed_before_detail:
            raise AnswerError(404, "Not Found")
        return _json(hooks.detail(hook, attempt))

    async def _attempts(self, request: web.Request) -> web.Response:
        hook, attempt = self._attempt(request)
        times = self.fake.asked.get(attempt.guid, 0)
        self.fake.asked[attempt.guid] = times + 1
        again = Attempt(attempt.guid, attempt.event, attempt.body, self.fake.moment(), redelivery=True)
        if not self.fake.faults.undelivered(attempt, times):
            task = asyncio.create_task(self._redeliver(hook, again))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return _json({}, 202)

    async def _redeliver(self, hook: Hook, attempt: Attempt) -> None:
        await asyncio.sleep(self.fake.faults.late(attempt))
        await deliver(self.fake, hook, attempt)

    def _attempt(self, request: web.Request) -> tuple[Hook, Attempt]:
        hook = self._find(request)
        found = hook.find(int(request.match_info["delivery"]), self.fake.moment())
        if found is None:
            raise AnswerError(404, "Not Found")
        return hook, found

    async def _installation(self, _request: web.Request) -> web.Response:
        if not self.fake.is_installed:
            raise AnswerError(404, "Not Found")
        return _json({"id": INSTALLATION})

    async def _access_token(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != str(INSTALLATION):
            raise AnswerError(404, "Not Found")
        token = f"ghs_{len(self.fake.tokens)}"
        self.fake.tokens[token] = {"webhooks": "write"}
        expires = datetime.fromtimestamp(self.fake.now() + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _json({"token": token, "expires_at": expires, "permissions": {"webhooks": "write"}}, 201)

    async def _data(self, request: web.Request) -> web.Response:
        found = self.fake.data.get(request.path)
        if callable(found):
            found = found(request.query)
        if found is None:
            raise AnswerError(404, "Not Found")
        if isinstance(found, dict) and "total_count" in found:
            [key] = found.keys() - {"total_count"}
            return self._listed(request, found[key], key)
        return self._listed(request, found) if isinstance(found, list) else _tagged(request, found)

    def _listed(self, request: web.Request, rows: list[Any], key: str = "") -> web.Response:
        """Return one page of a list that has numbered pages, under a key if the list is in an object."""
        size = min(100, int(request.query.get("per_page", PAGE)))
        number = int(request.query.get("page", 1))
        headers = {}
        more = len(rows) > number * size
        if more or self.fake.faults.circle:
            there = request.rel_url.update_query(page=number + 1 if more else 1)
            headers["Link"] = f'<{self.fake.url}{_numbered(str(there))}>; rel="next"'
        shown = rows[(number - 1) * size : number * size]
        return _tagged(request, {"total_count": len(rows), key: shown} if key else shown, headers)


def _owner(request: web.Request) -> str:
    match = request.match_info
    return "/".join(match[name] for name in ("owner", "name") if name in match).lower()


def _numbered(path: str) -> str:
    """Return a path as GitHub's links have it, with the number of a repository or an organisation."""
    path = re.sub("^/repos/[^/]+/[^/]+", "/repositories/1296269", path)
    return re.sub("^/orgs/[^/]+", "/organizations/1296269", path)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps(content).encode()
    return web.Response(status=status, headers=headers, body=body, content_type="application/json")


def _tagged(request: web.Request, content: Any, headers: dict[str, str] | None = None) -> web.Response:
    response = _json(content, 200, headers)
    assert isinstance(response.body, bytes)
    etag = f'W/"{sha256(response.body).hexdigest()}"'
    if request.headers.get("If-None-Match") == etag:
        response = web.Response(status=304, headers=headers)
    response.headers["ETag"] = etag
    return response


@contextlib.contextmanager
def running() -> Iterator[Github]:
    """Run a fake on a free port of loopback until the end of the context."""
    fake = Github()
    ready, ending = threading.Event(), threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(Routes(fake).application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert runner.addresses
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        fake.loop = asyncio.get_running_loop()
        ready.set()
        await asyncio.to_thread(ending.wait)
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="fake-github")
    thread.start()
    try:
        assert ready.wait(30)
        yield fake
    finally:
        ending.set()
        thread.join(30)
