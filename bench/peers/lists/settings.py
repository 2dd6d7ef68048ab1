"""Settings of both peers: the ledger's tables."""

import settings
from settings import *  # noqa: F403 - Django's own way to extend settings

INSTALLED_APPS = [*settings.INSTALLED_APPS, "api", "rest_framework"]
ROOT_URLCONF = "bench.peers.lists.urls"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["bench.peers.lists.drf_tokens.BearerToken"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
