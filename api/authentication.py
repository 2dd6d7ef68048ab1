"""Authenticates calls of the API: each needs a token, and each change one with the scope `operate`."""

import math
import time
from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.security import HttpBearer

from api import tokens
from api.limits import Limiter
from api.models import Token
from api.problems import ProblemError, unauthorized

_SAFE = frozenset({"GET", "HEAD"})
# Each process of the console counts on its own.
_limiter = Limiter(time.monotonic)


class BearerToken(HttpBearer):
    """`Authorization: Bearer hk_…`."""

    async def authenticate(self, request: HttpRequest, token: str) -> Token:
        """Return the token of a request. Raises a 401, a 403 or a 429."""
        found = await sync_to_async(tokens.find)(token)
        if found is None:
            raise unauthorized()
        if request.method not in _SAFE and not found.may_operate:
            raise ProblemError(HTTPStatus.FORBIDDEN, "This token may only read; its scope is not operate.")
        if wait := _limiter.wait(found.pk, found.limit):
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"A token may send {found.limit} requests a minute.",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        return found
