"""The description of the moves of refs, from which the reference is written. No statement runs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("records", "0015_key_of_push_commits"),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="ref",
            name="moves",
            field=models.JSONField(default=list, help_text="pushes of the newest two seconds that had one"),
        ),
    ]
