"""Answers the API without the middleware for people, such as sessions and messages.

Django runs each of those in a thread, before and after the view. The API needs none of them, and a session
must not open it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

from asgiref.sync import markcoroutinefunction
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

import database
from api import outages, problems

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


# Seconds. Requests share a few threads, so one may wait for others whose statements are not answered.
ANSWER_WITHIN = 20.0


class Direct:
    """Middleware that calls the views of django-ninja itself, and leaves every other path to the next."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response
        # Logs and answers the exceptions of a view, as Django does around each middleware.
        self._call = cast("View", convert_exception_to_response(_call))
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return await self._get_response(request)
        if match.app_name != "ninja":
            return await self._get_response(request)
        request.resolver_match = match
        # A thread of its own for each request would also be a connection of its own.
        database.choose_orm_thread()
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._call(request)
        away = problems.response(problems.database_away())
        return outages.logged(request, away, f"no answer within {ANSWER_WITHIN:g} seconds")


async def _call(request: HttpRequest) -> HttpResponseBase:
    match = request.resolver_match
    if match is None:
        raise AssertionError("the caller has resolved the path")
    if request.method == "HEAD":
        # The server sends no body to it: https://www.rfc-editor.org/rfc/rfc9110#name-head
        request.method = "GET"
    view = cast("Callable[..., Awaitable[HttpResponseBase]]", match.func)
    answer = await view(request, *match.args, **match.kwargs)
    if isinstance(answer, HttpResponseNotAllowed):
        methods = set(answer.headers["Allow"].split(", "))
        answer.headers["Allow"] = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    return answer
