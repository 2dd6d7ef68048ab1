"""PostgreSQL compresses no body again: it is a zstd frame. It changes the catalog alone; stored rows stay."""

from typing import ClassVar

from django.db import connection, migrations

EXTERNAL, EXTENDED = (
    f"ALTER TABLE receiver_delivery ALTER COLUMN body SET STORAGE {storage}"
    for storage in ("EXTERNAL", "EXTENDED")
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("receiver", "0014_suspects")]

    operations: ClassVar = (
        [migrations.RunSQL(EXTERNAL, EXTENDED)] if connection.vendor == "postgresql" else []
    )
