"""Headers of every answer: its length, what a browser may load, and that none may embed or sniff it."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

# No inline script or style and no eval: https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class SecurityHeaders:
    """Sets the headers, and marks cookies as secure where the request came over TLS."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; a view's own policy stays."""
        response = await self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        # Payloads are private: neither a proxy nor the browser's disk keeps a page.
        response.headers.setdefault("Cache-Control", "no-store, private")
        # Without a length it would be chunked, even for HTTP/1.0, which has no chunks.
        if isinstance(response, HttpResponse) and response.status_code != HTTPStatus.NOT_MODIFIED:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response
