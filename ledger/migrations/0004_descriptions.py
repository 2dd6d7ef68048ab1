"""Descriptions of columns, from which the reference is written. No statement runs."""

import uuid
from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("ledger", "0003_replays"),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="operation",
            name="created_at",
            field=models.DateTimeField(help_text="when it was asked for"),
        ),
        migrations.AlterField(
            model_name="operation",
            name="estimated",
            field=models.PositiveBigIntegerField(help_text="items; null while unknown", null=True),
        ),
        migrations.AlterField(
            model_name="operation",
            name="key",
            field=models.UUIDField(
                default=uuid.uuid4,
                help_text="chosen by the requester, so that a form sent twice acts once",
                unique=True,
            ),
        ),
        migrations.AlterField(
            model_name="operation",
            name="lease_expires_at",
            field=models.DateTimeField(help_text="until when `worker` holds it", null=True),
        ),
        migrations.AlterField(
            model_name="operation",
            name="requested_by",
            field=models.CharField(
                help_text="an account, a token, or user and host of a command", max_length=255
            ),
        ),
        migrations.AlterField(
            model_name="operation",
            name="worker",
            field=models.CharField(
                blank=True, help_text="the worker that holds or last held the lease", max_length=255
            ),
        ),
        migrations.AlterField(
            model_name="replay",
            name="at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="when the delivery was made due",
            ),
        ),
    ]
