"""Declares the Django app with the table of counters."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Named `telemetry` in migrations."""

    name = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"
