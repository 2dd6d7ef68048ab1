"""Creates all tables of a new database. An older database runs the replaced steps that it lacks instead."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("ledger", "0001_initial"),
        ("ledger", "0002_aggregates"),
        ("ledger", "0003_replays"),
        ("ledger", "0004_descriptions"),
    ]

    initial = True

    dependencies = [
        ("receiver", "0013_descriptions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Operation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.UUIDField(
                        default=uuid.uuid4,
                        help_text="chosen by the requester, so that a form sent twice acts once",
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("replay", "Replay"),
                            ("recover", "Recover"),
                            ("sync", "Sync"),
                            ("prune", "Prune"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "parameters",
                    models.JSONField(default=dict, help_text="what to do, as the kind defines it"),
                ),
                ("rate", models.FloatField(default=0.0, help_text="items per second at most; 0 is no limit")),
                (
                    "requested_by",
                    models.CharField(
                        help_text="an account, a token, or user and host of a command", max_length=255
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("finished", "Finished"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                (
                    "estimated",
                    models.PositiveBigIntegerField(help_text="items; null while unknown", null=True),
                ),
                ("done", models.PositiveBigIntegerField(default=0, help_text="items that were done")),
                (
                    "failed",
                    models.PositiveBigIntegerField(default=0, help_text="items that could not be done"),
                ),
                ("failures", models.JSONField(default=dict, help_text="failed items by reason")),
                (
                    "cursor",
                    models.JSONField(
                        help_text="where the next portion begins, as the kind defines it", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(help_text="when it was asked for")),
                ("started_at", models.DateTimeField(help_text="when a worker first took it", null=True)),
                (
                    "finished_at",
                    models.DateTimeField(help_text="when it finished, failed or was cancelled", null=True),
                ),
                ("error", models.TextField(blank=True, help_text="why it failed")),
                (
                    "worker",
                    models.CharField(
                        blank=True, help_text="the worker that holds or last held the lease", max_length=255
                    ),
                ),
                (
                    "lease_expires_at",
                    models.DateTimeField(help_text="until when `worker` holds it", null=True),
                ),
                (
                    "version",
                    models.PositiveBigIntegerField(
                        default=0, help_text="claims and portions so far: names the lease"
                    ),
                ),
                (
                    "crashes",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="workers that ended in the present portion"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued"), ("state", "running"), _connector="OR"),
                        fields=["id"],
                        name="operation_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["queued", "running", "finished", "cancelled", "failed"])
                        ),
                        name="operation_state",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("finished", "Finished"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("by", models.CharField(help_text="an account, or a worker", max_length=255)),
                (
                    "operation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="ledger.operation",
                    ),
                ),
            ],
            options={
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="AggregatedUntil",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Aggregate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "grain",
                    models.CharField(
                        choices=[("minute", "Minute"), ("hour", "Hour"), ("day", "Day")], max_length=6
                    ),
                ),
                (
                    "dimension",
                    models.CharField(
                        choices=[("event", "Event"), ("repository", "Repository")], max_length=10
                    ),
                ),
                ("begin", models.DateTimeField()),
                (
                    "name",
                    models.CharField(help_text="the event, or the repository's full name", max_length=255),
                ),
                ("received", models.PositiveBigIntegerField(default=0)),
                ("succeeded", models.PositiveBigIntegerField(default=0)),
                ("ignored", models.PositiveBigIntegerField(default=0)),
                ("invalid", models.PositiveBigIntegerField(default=0)),
                ("dead", models.PositiveBigIntegerField(default=0)),
                (
                    "latencies",
                    models.JSONField(
                        default=dict,
                        help_text="deliveries by the range of seconds from receipt to settlement",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("grain", "dimension", "begin", "name"), name="aggregate_key"
                    )
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "by",
                    models.CharField(help_text="an account, or user and host of a command", max_length=255),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="when the delivery was made due",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replays",
                        to="receiver.delivery",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="null for a replay in the foreground",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replays",
                        to="ledger.operation",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["delivery", "id"], name="replay_delivery")],
                "constraints": [],
            },
        ),
    ]
