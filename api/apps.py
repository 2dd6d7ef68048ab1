"""The app of the API: its tokens, its answers to idempotent requests, and the saved views."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Named `api` in migrations."""

    name = "api"
    default_auto_field = "django.db.models.BigAutoField"
