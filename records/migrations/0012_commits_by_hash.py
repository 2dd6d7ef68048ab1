from django.db import migrations, models

from database import concurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("records", "0011_ref_read_at"),
    ]

    operations = [
        concurrently.AddUniqueBeside(
            model_name="commit",
            constraint=models.UniqueConstraint(fields=("sha", "repository"), name="commit_sha_repository"),
        ),
        migrations.RemoveConstraint(
            model_name="commit",
            name="commit_repository_sha",
        ),
    ]
