"""The app of the counters' table."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Named `telemetry` in migrations."""

    name = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"
