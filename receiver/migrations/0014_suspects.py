"""An index of suspects, which an isolating process claims. No version needs it to be right."""

from typing import ClassVar

from django.db import migrations, models

from database import concurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies: ClassVar = [("receiver", "0013_descriptions")]

    operations: ClassVar = [
        concurrently.AddIndexBeside(
            model_name="delivery",
            index=models.Index(
                fields=["next_attempt_at", "received_at", "id"],
                name="delivery_suspect",
                condition=(models.Q(status="received") | models.Q(status="retrying"))
                & models.Q(crashes__gt=0),
            ),
        ),
    ]
