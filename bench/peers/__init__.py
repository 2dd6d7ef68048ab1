"""The code around each peer: the minimum of its documentation. Nothing is stored unless stated."""

PACKAGES = (
    "aiohttp",
    "arq",
    "celery",
    "django",
    "django-github-app",
    "dramatiq",
    "gidgethub",
    "procrastinate",
    "psycopg",
    "redis",
    "saq",
    "uvicorn",
    "uvloop",
)
