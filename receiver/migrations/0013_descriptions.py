"""Descriptions of columns, from which the reference is written. No statement runs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("receiver", "0012_smaller_indexes"),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="delivery",
            name="action",
            field=models.CharField(blank=True, help_text="of the payload, if it has one", max_length=255),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="claims",
            field=models.PositiveIntegerField(
                default=0, help_text="how often a worker claimed it; it names the lease"
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="content_type",
            field=models.CharField(help_text="as sent", max_length=255),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="crashes",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="workers that died while they held it, since receipt or replay"
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="error",
            field=models.TextField(blank=True, help_text="why it failed, or what its schema rejects"),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="finished_at",
            field=models.DateTimeField(help_text="when it was settled; null while it is open", null=True),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="installation_id",
            field=models.BigIntegerField(help_text="of an App, if the payload names one", null=True),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="lease_expires_at",
            field=models.DateTimeField(help_text="until when `worker` holds it", null=True),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="received_at",
            field=models.DateTimeField(help_text="time of receipt, by the database's clock"),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="redeliveries",
            field=models.PositiveIntegerField(
                default=0, help_text="how often GitHub sent it again to the same hook"
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="secret_position",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="which of the source's secrets signed it, from 0, in the order of the setting",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="sender",
            field=models.CharField(blank=True, help_text="login of the account that acted", max_length=255),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="source",
            field=models.CharField(
                blank=True, help_text="the part of the URL after /webhooks/github/", max_length=64
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="worker",
            field=models.CharField(
                blank=True, help_text="the worker that holds or last held the lease", max_length=255
            ),
        ),
        migrations.AlterField(
            model_name="handlerrun",
            name="error",
            field=models.TextField(blank=True, help_text="what the handler raised, with its text"),
        ),
        migrations.AlterField(
            model_name="handlerrun",
            name="superseded",
            field=models.BooleanField(
                default=False, help_text="a replay or redelivery runs this handler again"
            ),
        ),
        migrations.AlterField(
            model_name="handlerrun",
            name="traceback",
            field=models.TextField(blank=True, help_text="empty once it was pruned"),
        ),
    ]
