"""The console's ASGI application: `uvicorn console.asgi:application`."""

import gc
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import django

# Collections during the imports cost a tenth of the start, and find no garbage.
gc.disable()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from configuration.secrets import SHORTEST_KEY  # noqa: E402
from configuration.stopping import stop_if_wrong  # noqa: E402
from database import postgresql  # noqa: E402

logger = logging.getLogger(__name__)

# Seconds for the answer to a statement of a page. The Procfile gives the requests of a console that stops two
# more.
ANSWER_WITHIN = 8.0


def _require_key() -> None:
    """Raise `ImproperlyConfigured` when the key is missing or could be guessed."""
    try:
        length = len(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's, when it is empty
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: the console cannot sign sessions. Set it or SECRET_KEY_FILE to "
            f"{SHORTEST_KEY} random characters or more."
        ) from None
    if length < SHORTEST_KEY:
        raise ImproperlyConfigured(f"SECRET_KEY must have {SHORTEST_KEY} characters or more.")


with stop_if_wrong():
    _require_key()

postgresql.answer_within(ANSWER_WITHIN)
_pages = ASGIHandler()


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer requests; before the process ends, end the statements that the database does not answer."""
    if scope["type"] != "lifespan":
        await _pages(scope, receive, send)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    postgresql.cut()
    await send({"type": "lifespan.shutdown.complete"})


# The pages are imported here, not by the first request.
get_resolver().url_patterns  # noqa: B018
# The imported objects stay, so no later collection looks at them.
gc.freeze()
gc.enable()
logger.info("console started version=%s", settings.VERSION)
