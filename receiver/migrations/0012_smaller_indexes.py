"""Indexes of what is rare in place of indexes of all settled deliveries. The version before reads either."""

from typing import ClassVar

from django.db import migrations, models

from database import concurrently

SETTLED = models.Q(finished_at__isnull=False)


class Migration(migrations.Migration):
    atomic = False

    dependencies: ClassVar = [("receiver", "0011_body_may_be_pruned")]

    operations: ClassVar = [
        # Each new index is there before the one that it replaces is removed.
        concurrently.AddIndexBeside(
            model_name="delivery",
            index=models.Index(
                fields=["received_at", "id", "status", "source"], name="delivery_settled", condition=SETTLED
            ),
        ),
        concurrently.AddIndexBeside(
            model_name="delivery",
            index=models.Index(
                fields=["status", "received_at", "id"],
                name="delivery_unsuccessful",
                condition=SETTLED & ~models.Q(status="succeeded"),
            ),
        ),
        concurrently.AddIndexBeside(
            model_name="delivery",
            index=models.Index(
                fields=["source", "received_at", "id"],
                name="delivery_of_a_source",
                condition=SETTLED & ~models.Q(source=""),
            ),
        ),
        concurrently.RemoveIndexBeside(model_name="delivery", name="delivery_received"),
        concurrently.RemoveIndexBeside(model_name="delivery", name="delivery_status_page"),
        concurrently.RemoveIndexBeside(model_name="delivery", name="delivery_source"),
        concurrently.RemoveIndexBeside(model_name="delivery", name="delivery_dead"),
    ]
