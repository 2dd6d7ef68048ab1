"""What the view stores."""

from typing import ClassVar

from django.db import models


class Delivery(models.Model):
    """One webhook."""

    guid = models.UUIDField(unique=True)
    event = models.CharField(max_length=64)
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Delivery"]] = models.Manager()

    class Meta:
        app_label = "textbook"

    def __str__(self) -> str:
        return f"{self.event} {self.guid}"
