"""A request and a response that Django's constructors complete when a further attribute is read.

The view of a delivery reads few attributes of its request, and `Handler` sends the response as it is.
"""

from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.urls import ResolverMatch

from receiver import headers
from receiver.bodies import Scope
from receiver.protocol import EXTENSION, LimitedHttpProtocol
from receiver.signatures import Verifier

JSON = "application/json"


class _Deferred:
    """Calls `construct` when an attribute is read that is not set. Attributes that are set stay."""

    constructed = False

    def __getattr__(self, name: str) -> Any:
        if self.constructed or name.startswith("__"):
            raise AttributeError(name)
        self.constructed = True
        before = dict(vars(self))
        self.construct()
        vars(self).update(before)
        return getattr(self, name)

    def construct(self) -> None:
        """Call Django's constructor."""
        raise NotImplementedError


class DeferredRequest(_Deferred, ASGIRequest):
    """A request of a webhook. `verifier` reads its body; `since` is the loop's time at its start.

    `connection` is None under another server, or another protocol of uvicorn.
    """

    resolver_match: ResolverMatch

    def __init__(self, scope: Scope, match: ResolverMatch, verifier: Verifier, since: float) -> None:
        self.scope = scope
        self.method = scope["method"]
        self.resolver_match = match
        self.headers_by_name = headers.of_scope(scope["headers"])
        self.connection: LimitedHttpProtocol | None = (
            scope.get("extensions", {}).get(EXTENSION, {}).get("connection")
        )
        # None behind a unix socket.
        self.address: str = (scope.get("client") or ("",))[0]
        self.verifier = verifier
        self.since = since
        self._body = b""

    def construct(self) -> None:
        """Call Django's constructor."""
        ASGIRequest.__init__(self, self.scope, BytesIO())


class DeferredResponse(_Deferred, HttpResponse):
    """A response whose content is JSON in ASCII."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        self.status_code = status
        self.json_text = text

    def construct(self) -> None:
        """Call Django's constructor."""
        HttpResponse.__init__(self, self.json_text, content_type=JSON, status=self.status_code)
