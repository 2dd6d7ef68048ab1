"""Notes that a receiver takes deliveries again, so that recovery looks for what it missed meanwhile."""

import asyncio
import logging

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections, models
from django.db.models.functions import Now

logger = logging.getLogger(__name__)

RETRY_INTERVAL = 2.0  # seconds between attempts while the database is away


class Resumption(models.Model):
    """A time from which a receiver takes deliveries again. Recovery then looks for those that it missed."""

    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"resumed at {self.at}"


async def note() -> None:
    """Store the present time; retry until the database takes it."""
    logged = False
    while True:
        try:
            await sync_to_async(_save, thread_sensitive=False)()
        except Error as error:
            if not logged:
                logger.warning("start not noted error=%s", type(error).__name__)
            logged = True
            await asyncio.sleep(RETRY_INTERVAL)
        else:
            return


def _save() -> None:
    close_old_connections()
    try:
        Resumption.objects.create()
    finally:
        close_old_connections()
