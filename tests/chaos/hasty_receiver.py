"""The receiver, but the sweep finds after one second already what no wake-up brought."""

import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

import receiver.models  # noqa: E402
from tests.chaos.times import WAKE_GRACE  # noqa: E402

# Before the writers are imported, which put it into their statements.
receiver.models.WAKE_GRACE = timedelta(seconds=WAKE_GRACE)

from receiver.asgi import application  # noqa: E402

__all__ = ["application"]
