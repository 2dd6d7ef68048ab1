"""The table of counters, to which all processes add."""

from typing import ClassVar

from django.db import models


class Count(models.Model):
    """One integer of a counter or histogram. Labels are bounded, so the table stays small."""

    name = models.CharField(max_length=32)
    first = models.CharField(max_length=255, blank=True, help_text="value of the first label")
    second = models.CharField(max_length=32, blank=True, help_text="value of the second label")
    position = models.SmallIntegerField(help_text="of a bucket, from 0; -1 is a histogram's sum")
    value = models.BigIntegerField(help_text="a number, or microseconds of a sum")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "first", "second", "position"], name="count_key"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.first} {self.second} {self.position}: {self.value}"
