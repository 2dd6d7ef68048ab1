from django.db import migrations, models

REASONS = [
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
]


class Migration(migrations.Migration):
    dependencies = [
        ("receiver", "0005_runs_without_lookups"),
    ]

    operations = [
        # The new key is there before the old one goes.
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("guid", "hook_id", "source"), name="delivery_key"),
        ),
        migrations.RemoveConstraint(
            model_name="delivery",
            name="delivery_guid_hook",
        ),
        migrations.AddField(
            model_name="delivery",
            name="digest",
            field=models.BinaryField(
                help_text="first 16 bytes of the body's SHA-256; null in rows of version 0.1", null=True
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="size",
            field=models.PositiveIntegerField(
                help_text="bytes of the body; null in rows of version 0.1", null=True
            ),
        ),
        migrations.AlterField(
            model_name="rejection",
            name="reason",
            field=models.CharField(choices=REASONS, max_length=20),
        ),
        migrations.AlterField(
            model_name="rejectioncount",
            name="reason",
            field=models.CharField(choices=REASONS, max_length=20),
        ),
    ]
