"""gidgethub on aiohttp as in its documentation: verify, parse, dispatch to a handler."""

import os
from typing import Any

from aiohttp import web
from gidgethub import routing, sansio

SECRET = os.environ["PEER_SECRET"]


async def on_push(_event: Any) -> None:
    """Do nothing."""


router = routing.Router()
router.add(on_push, "push")


async def webhook(request: web.Request) -> web.Response:
    """Answer 200 after the handlers have run."""
    event = sansio.Event.from_http(request.headers, await request.read(), secret=SECRET)
    await router.dispatch(event)
    return web.Response(status=200)


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/", webhook)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
