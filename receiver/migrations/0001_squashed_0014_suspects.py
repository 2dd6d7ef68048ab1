"""Creates all tables of a new database. An older database runs the replaced steps that it lacks instead."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import receiver.fields


class Migration(migrations.Migration):
    replaces = [
        ("receiver", "0001_initial"),
        ("receiver", "0002_rejections_and_secret_position"),
        ("receiver", "0003_claims_and_turns"),
        ("receiver", "0004_counting_the_queue"),
        ("receiver", "0005_runs_without_lookups"),
        ("receiver", "0006_key_with_source_size_and_digest"),
        ("receiver", "0007_one_claim"),
        ("receiver", "0008_unsigned_and_resumptions"),
        ("receiver", "0009_address_and_times_of_redeliveries"),
        ("receiver", "0010_indexes_of_pages"),
        ("receiver", "0011_body_may_be_pruned"),
        ("receiver", "0012_smaller_indexes"),
        ("receiver", "0013_descriptions"),
        ("receiver", "0014_suspects"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "guid",
                    models.UUIDField(
                        help_text="X-GitHub-Delivery, shared by all hooks and redeliveries of an event"
                    ),
                ),
                (
                    "hook_id",
                    models.BigIntegerField(help_text="X-GitHub-Hook-ID; 0 where the sender names none"),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True, help_text="the part of the URL after /webhooks/github/", max_length=64
                    ),
                ),
                ("event", models.CharField(help_text="X-GitHub-Event", max_length=64)),
                (
                    "action",
                    models.CharField(blank=True, help_text="of the payload, if it has one", max_length=255),
                ),
                ("repository_id", models.BigIntegerField(help_text="GitHub's numeric id", null=True)),
                (
                    "repository",
                    models.CharField(blank=True, help_text="the full name at that time", max_length=255),
                ),
                (
                    "sender",
                    models.CharField(blank=True, help_text="login of the account that acted", max_length=255),
                ),
                (
                    "installation_id",
                    models.BigIntegerField(help_text="of an App, if the payload names one", null=True),
                ),
                ("headers", models.JSONField(help_text="GitHub's own headers, without signatures")),
                ("content_type", models.CharField(help_text="as sent", max_length=255)),
                (
                    "body",
                    receiver.fields.CompressedField(
                        help_text="the exact bytes that were signed; null once pruned", null=True
                    ),
                ),
                ("received_at", models.DateTimeField(help_text="time of receipt, by the database's clock")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("processing", "Processing"),
                            ("retrying", "Retrying"),
                            ("succeeded", "Succeeded"),
                            ("ignored", "Ignored"),
                            ("invalid", "Invalid"),
                            ("dead", "Dead"),
                        ],
                        default="received",
                        max_length=10,
                    ),
                ),
                (
                    "attempts",
                    models.PositiveIntegerField(default=0, help_text="attempts used since receipt or replay"),
                ),
                (
                    "next_attempt_at",
                    models.DateTimeField(
                        help_text="when it is due; null while it waits behind another of its ordering key",
                        null=True,
                    ),
                ),
                (
                    "lease_expires_at",
                    models.DateTimeField(help_text="until when `worker` holds it", null=True),
                ),
                (
                    "worker",
                    models.CharField(
                        blank=True, help_text="the worker that holds or last held the lease", max_length=255
                    ),
                ),
                (
                    "finished_at",
                    models.DateTimeField(help_text="when it was settled; null while it is open", null=True),
                ),
                (
                    "error",
                    models.TextField(blank=True, help_text="why it failed, or what its schema rejects"),
                ),
                (
                    "redeliveries",
                    models.PositiveIntegerField(
                        default=0, help_text="how often GitHub sent it again to the same hook"
                    ),
                ),
                (
                    "secret_position",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="which of the source's secrets signed it, from 0, "
                        "in the order of the setting",
                    ),
                ),
                (
                    "claims",
                    models.PositiveIntegerField(
                        default=0, help_text="how often a worker claimed it; it names the lease"
                    ),
                ),
                (
                    "crashes",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="workers that died while they held it, since receipt or replay"
                    ),
                ),
                (
                    "number",
                    models.PositiveBigIntegerField(help_text="of its pull request or issue", null=True),
                ),
                (
                    "digest",
                    models.BinaryField(
                        help_text="first 16 bytes of the body's SHA-256; null in rows of version 0.1",
                        null=True,
                    ),
                ),
                (
                    "size",
                    models.PositiveIntegerField(
                        help_text="bytes of the body; null in rows of version 0.1", null=True
                    ),
                ),
                (
                    "ordering_key",
                    models.CharField(
                        help_text="the repository, or its pull request or issue, that orders it",
                        max_length=64,
                        null=True,
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("delivery", "Delivery"),
                            ("retry", "Retry"),
                            ("replay", "Replay"),
                            ("redelivery", "Redelivery"),
                            ("sweep", "Sweep"),
                        ],
                        db_default="delivery",
                        help_text="what made it due, unless it is a retry",
                        max_length=10,
                    ),
                ),
                (
                    "unsigned",
                    models.BooleanField(
                        db_default=False,
                        help_text="recovered through GitHub's API: its parsed JSON, not the signed bytes",
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="of the sender, or of the proxy before it",
                        max_length=64,
                    ),
                ),
                (
                    "redelivered_at",
                    models.JSONField(
                        db_default=[],
                        default=list,
                        help_text="the times of the first redeliveries, as text in UTC",
                    ),
                ),
                (
                    "only_key",
                    models.BooleanField(
                        db_default=False,
                        help_text="all but its key, digest, event, status and times was pruned",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "processing")),
                        fields=["lease_expires_at"],
                        name="delivery_leased",
                    ),
                    models.Index(
                        condition=models.Q(("status", "retrying")),
                        fields=["next_attempt_at", "id"],
                        name="delivery_retrying",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["finished_at", "status", "event"],
                        name="delivery_finished",
                    ),
                    models.Index(
                        condition=models.Q(("status", "received"), ("status", "retrying"), _connector="OR"),
                        fields=["next_attempt_at", "received_at", "id", "status", "event"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("ordering_key__isnull", False), ("status", "received")),
                        fields=["ordering_key", "received_at", "id"],
                        name="delivery_ordering",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=["received_at", "id"],
                        name="delivery_open",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["event", "received_at", "id"],
                        name="delivery_event",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("finished_at__isnull", False), models.Q(("action", ""), _negated=True)
                        ),
                        fields=["action", "received_at", "id"],
                        name="delivery_action",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["repository", "received_at", "id"],
                        name="delivery_repository",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["sender", "received_at", "id"],
                        name="delivery_sender",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["hook_id", "received_at", "id"],
                        name="delivery_hook",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False), ("number__isnull", False)),
                        fields=["number", "repository", "received_at", "id"],
                        name="delivery_number",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("finished_at__isnull", False), models.Q(("error", ""), _negated=True)
                        ),
                        fields=["received_at", "id"],
                        name="delivery_error",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", False)),
                        fields=["received_at", "id", "status", "source"],
                        name="delivery_settled",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("finished_at__isnull", False), models.Q(("status", "succeeded"), _negated=True)
                        ),
                        fields=["status", "received_at", "id"],
                        name="delivery_unsuccessful",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("finished_at__isnull", False), models.Q(("source", ""), _negated=True)
                        ),
                        fields=["source", "received_at", "id"],
                        name="delivery_of_a_source",
                    ),
                    models.Index(
                        condition=models.Q(
                            models.Q(("status", "received"), ("status", "retrying"), _connector="OR"),
                            ("crashes__gt", 0),
                        ),
                        fields=["next_attempt_at", "received_at", "id"],
                        name="delivery_suspect",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "received",
                                    "processing",
                                    "retrying",
                                    "succeeded",
                                    "ignored",
                                    "invalid",
                                    "dead",
                                ],
                            )
                        ),
                        name="delivery_status",
                    ),
                    models.UniqueConstraint(fields=("guid", "hook_id", "source"), name="delivery_key"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "processing")),
                        fields=("guid", "source"),
                        name="delivery_processing_guid",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ordering_key__isnull", False), ("status", "processing")),
                        fields=("ordering_key",),
                        name="delivery_processing_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HandlerRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "handler",
                    models.CharField(help_text="module and function, as in push.record", max_length=255),
                ),
                (
                    "attempt",
                    models.PositiveIntegerField(help_text="starts at 1, and again at 1 after a replay"),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("delivery", "Delivery"),
                            ("retry", "Retry"),
                            ("replay", "Replay"),
                            ("redelivery", "Redelivery"),
                            ("sweep", "Sweep"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("permanent", "Permanent"),
                            ("skipped", "Skipped"),
                        ],
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("duration", models.FloatField(help_text="seconds")),
                ("error", models.TextField(blank=True, help_text="what the handler raised, with its text")),
                ("traceback", models.TextField(blank=True, help_text="empty once it was pruned")),
                (
                    "superseded",
                    models.BooleanField(
                        default=False, help_text="a replay or redelivery runs this handler again"
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="receiver.delivery",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["delivery", "handler"], name="run_delivery_handler"),
                    models.Index(fields=["handler", "delivery"], name="run_handler_delivery"),
                ],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="Rejection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("method", "Method"),
                            ("too large", "Too Large"),
                            ("too slow", "Too Slow"),
                            ("busy", "Busy"),
                            ("no signature", "No Signature"),
                            ("malformed signature", "Malformed Signature"),
                            ("wrong secret", "Wrong Secret"),
                            ("header", "Header"),
                            ("content type", "Content Type"),
                            ("not JSON", "Not Json"),
                            ("another body", "Conflict"),
                            ("store down", "Store Down"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.PositiveSmallIntegerField(help_text="the HTTP status it was answered with"),
                ),
                ("detail", models.TextField()),
                (
                    "address",
                    models.CharField(
                        blank=True, help_text="of the sender, or of the proxy before it", max_length=64
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=64)),
                (
                    "event",
                    models.CharField(blank=True, help_text="X-GitHub-Event, as claimed", max_length=64),
                ),
                ("size", models.PositiveBigIntegerField(help_text="bytes of the body that were read")),
            ],
            options={
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="RejectionCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("method", "Method"),
                            ("too large", "Too Large"),
                            ("too slow", "Too Slow"),
                            ("busy", "Busy"),
                            ("no signature", "No Signature"),
                            ("malformed signature", "Malformed Signature"),
                            ("wrong secret", "Wrong Secret"),
                            ("header", "Header"),
                            ("content type", "Content Type"),
                            ("not JSON", "Not Json"),
                            ("another body", "Conflict"),
                            ("store down", "Store Down"),
                        ],
                        max_length=20,
                    ),
                ),
                ("day", models.DateField()),
                ("count", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("reason", "day"), name="rejection_count")],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Resumption",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [],
                "constraints": [],
            },
        ),
    ]
