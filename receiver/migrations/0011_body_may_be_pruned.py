"""Bodies may be pruned. On PostgreSQL it changes the catalog alone, and the version before goes on."""

from typing import ClassVar

from django.db import migrations, models

import receiver.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [("receiver", "0010_indexes_of_pages")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="delivery",
            name="only_key",
            field=models.BooleanField(
                db_default=False, help_text="all but its key, digest, event, status and times was pruned"
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="body",
            field=receiver.fields.CompressedField(
                help_text="the exact bytes that were signed; null once pruned", null=True
            ),
        ),
    ]
