"""`uvicorn bench.peers.lists.asgi:application`."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.lists.settings"
django.setup()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402

application = ASGIHandler()
