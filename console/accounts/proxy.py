"""Accounts of a proxy that signs people in and names them in a header."""

from django.conf import settings
from django.contrib.auth.middleware import RemoteUserMiddleware


class RemoteUser(RemoteUserMiddleware):
    """Signs in whom `CONSOLE_REMOTE_USER_HEADER` names; an account that is new becomes a viewer."""

    # Under ASGI Django adds "HTTP_" itself.
    header = settings.CONSOLE_REMOTE_USER_HEADER.upper().replace("-", "_")
