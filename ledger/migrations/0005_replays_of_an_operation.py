"""An index of the replays of an operation. The version before neither reads it nor misses it."""

from typing import ClassVar

from django.db import migrations, models

from database import concurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies: ClassVar = [("ledger", "0004_descriptions")]

    operations: ClassVar = [
        concurrently.AddIndexBeside(
            model_name="replay",
            index=models.Index(fields=["operation", "delivery"], name="replay_operation"),
        ),
    ]
