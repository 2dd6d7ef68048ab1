"""The code around each peer: the minimum of its documentation. Nothing is stored unless stated."""

PACKAGES = (
    "aiohttp",
    "arq",
    "django",
    "django-github-app",
    "gidgethub",
    "psycopg",
    "redis",
    "saq",
    "uvicorn",
    "uvloop",
)
