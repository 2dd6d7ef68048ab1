"""Indexes of repositories in any case. Only the console of the version before reads those of exact names."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models.functions import Lower

from database import concurrently

SETTLED = models.Q(finished_at__isnull=False)


class Migration(migrations.Migration):
    atomic = False

    dependencies: ClassVar = [("receiver", "0015_body_without_pglz")]

    operations: ClassVar = [
        concurrently.AddIndexBeside(
            model_name="delivery",
            index=models.Index(
                Lower("repository"), "received_at", "id", name="delivery_of_repository", condition=SETTLED
            ),
        ),
        concurrently.AddIndexBeside(
            model_name="delivery",
            index=models.Index(
                "number",
                Lower("repository"),
                "received_at",
                "id",
                name="delivery_of_number",
                condition=SETTLED & models.Q(number__isnull=False),
            ),
        ),
        concurrently.RemoveIndexBeside(model_name="delivery", name="delivery_repository"),
        concurrently.RemoveIndexBeside(model_name="delivery", name="delivery_number"),
    ]
