"""Checks the settings of GitHub's API, without a connection."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

API_URL = "https://api.github.com"
# A token would travel as plain text to any other host without TLS.
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"http": ":80", "https": ":443"}
_TOKEN = re.compile(r"[\x21-\x7e]+")
# An App's numeric id, or its client id, which GitHub recommends:
# https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
_APP_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def api_url(url: str) -> str:
    """Return the URL of the API in one form, without a slash at its end: by default, that of github.com."""
    if not url:
        return API_URL
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ImproperlyConfigured("GITHUB_API_URL is not a URL.") from None
    if not host or parts.scheme not in {"http", "https"}:
        raise ImproperlyConfigured("GITHUB_API_URL must begin with https:// and name a host.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ImproperlyConfigured("GITHUB_API_URL must begin with https://, or the token is readable.")
    if "@" in parts.netloc or parts.query or parts.fragment or not url.isascii() or re.search(r"[\s{}]", url):
        raise ImproperlyConfigured(
            "GITHUB_API_URL takes a host and a path, as in https://github.example.com/api/v3."
        )
    host_and_port = parts.netloc.lower().removesuffix(":").removesuffix(_PORTS[parts.scheme])
    return parts._replace(netloc=host_and_port).geturl().rstrip("/")


def token(value: str) -> str:
    """Return the token; raise `ImproperlyConfigured` if no header can carry it."""
    if value and not _TOKEN.fullmatch(value):
        raise ImproperlyConfigured("GITHUB_TOKEN must be ASCII text without spaces.")
    return value


def app(app_id: str, private_key: str) -> tuple[str, str]:
    """Return id and private key of an App; raise `ImproperlyConfigured` unless both are set and usable."""
    if not app_id and not private_key:
        return "", ""
    if not app_id:
        raise ImproperlyConfigured("GITHUB_APP_ID is not set, but GITHUB_APP_PRIVATE_KEY is.")
    if not private_key:
        raise ImproperlyConfigured("GITHUB_APP_PRIVATE_KEY is not set, but GITHUB_APP_ID is.")
    if not _APP_ID.fullmatch(app_id):
        raise ImproperlyConfigured("GITHUB_APP_ID must be the App's numeric id or its client id.")
    # Platforms whose variables hold one line write its line ends as \n.
    pem = private_key.replace("\\n", "\n")
    # Imported only here: most installations set no App.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        usable = isinstance(load_pem_private_key(pem.encode(), None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm, UnicodeEncodeError):
        usable = False
    if not usable:
        raise ImproperlyConfigured(
            "GITHUB_APP_PRIVATE_KEY must be the RSA key in PEM format that GitHub generated."
        )
    return app_id, pem
