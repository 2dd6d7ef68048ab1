"""The glue around each peer: as little as its own documentation asks for, and nothing kept unless said."""

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
