"""Logs an outage of the database for all answers of the console's process: now and then, with its reason."""

import logging
import math
import time

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

LOG_EVERY = 10.0  # seconds, during an outage
_logged_at = -math.inf


def logged(request: HttpRequest, response: HttpResponse, error: object) -> HttpResponse:
    """Return the response of an outage; log its error, but at most one in `LOG_EVERY` seconds."""
    global _logged_at  # noqa: PLW0603 - of the process
    now = time.monotonic()
    if now >= _logged_at + LOG_EVERY:
        _logged_at = now
        logger.warning("not answered path=%r error=%s", request.path, " ".join(str(error).split()))
    # Django's own mark: it would write a line for each, or a traceback.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
