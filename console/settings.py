"""Settings of the console and of `manage.py`: those of the receiver, and those of web pages for people.

The receiver and the workers never load these, so neither accounts nor sessions nor templates are in their
processes.
"""

import re

from django.core.exceptions import ImproperlyConfigured

import settings
from configuration.secrets import value_or_file
from configuration.stopping import stop_if_wrong
from console.forwarding import target
from settings import *  # noqa: F403 - Django's own way to extend settings
from settings import DATABASES, env

HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

with stop_if_wrong():
    SECRET_KEY = value_or_file("SECRET_KEY", settings.SECRET_KEY, env.str("SECRET_KEY_FILE", ""))
    CONSOLE_REMOTE_USER_HEADER: str = env.str("CONSOLE_REMOTE_USER_HEADER", "").strip()
    """The header in which a proxy that signs people in names them, such as `X-Forwarded-User`. Only behind a
    proxy that always sets it: see [The console](../how-to/console.md).
    """
    if CONSOLE_REMOTE_USER_HEADER and not HEADER.fullmatch(CONSOLE_REMOTE_USER_HEADER):
        raise ImproperlyConfigured("CONSOLE_REMOTE_USER_HEADER must be the name of a header.")
    # A free choice would open the network.
    FORWARD_URLS: list[str] = env.list("FORWARD_URLS", [], subcast=str.strip)
    """The URLs to which an operator may [forward a delivery](../how-to/forward.md) from the console,
    separated by commas.
    """
    for _url in FORWARD_URLS:
        try:
            target.parse(_url)
        except target.TargetError as error:
            raise ImproperlyConfigured(f"FORWARD_URLS: {error}.") from None
    FORWARD_SECRET: str | None = env.str("FORWARD_SECRET", None)
    """Signs what `manage.py forward` and the console forward. Without it the first webhook secret does."""
    if FORWARD_SECRET is not None and not (FORWARD_SECRET := FORWARD_SECRET.strip()):
        raise ImproperlyConfigured("FORWARD_SECRET is empty: set a secret, or unset the variable.")

# Each page has a thread of its own, whose connection ends with it. The API and the statistics have a few
# threads, which keep theirs: the pool has as many more.
DATABASES["default"]["CONN_MAX_AGE"] = 0
if "pool" in DATABASES["default"]["OPTIONS"]:
    DATABASES["default"]["OPTIONS"]["pool"]["max_size"] += 6

INSTALLED_APPS = [
    # Before the admin, whose templates it replaces.
    "console",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "servestatic",
    "django_htmx",
    "console.accounts",
    "api",
    *settings.INSTALLED_APPS,
]
MIDDLEWARE = [
    "console.headers.SecurityHeaders",
    "api.problems.Problems",
    "api.direct.Direct",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    *(["console.accounts.proxy.RemoteUser"] if CONSOLE_REMOTE_USER_HEADER else []),
    "console.accounts.sessions.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    *(["django.contrib.auth.backends.RemoteUserBackend"] if CONSOLE_REMOTE_USER_HEADER else []),
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_ENGINE = "console.accounts.sessions"
# Seconds after signing in; using a session does not make it longer.
SESSION_COOKIE_AGE = 12 * 60 * 60
# Cookies are shared by all ports of a host, so the names are the console's own.
SESSION_COOKIE_NAME = "hookkeeper_session"
CSRF_COOKIE_NAME = "hookkeeper_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "console.pages.csrf_failed"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
# Django's own limit; the receiver lifts it for payloads, and the console takes only forms.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000  # bytes

FORMAT_MODULE_PATH = "console.formats"

STATIC_URL = "/static/"
# Files are served from where they are installed, so nothing is collected before a start.
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False
SERVESTATIC_ALLOW_ALL_ORIGINS = False
