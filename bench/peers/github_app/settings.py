"""The settings of its documentation, on PostgreSQL."""

import os

import dj_database_url

SECRET_KEY = os.environ["PEER_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django_github_app"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "bench.peers.github_app.urls"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
GITHUB_APP = {"APP_ID": "1", "NAME": "bench", "WEBHOOK_SECRET": os.environ["PEER_SECRET"]}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
