"""Descriptions of columns, from which the reference is written. No statement runs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("records", "0013_changes_of_repositories_and_releases"),
    ]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="accountrename",
            name="told_at",
            field=models.DateTimeField(help_text="time of receipt: GitHub sends none"),
        ),
        migrations.AlterField(
            model_name="checkrun",
            name="announced_at",
            field=models.DateTimeField(help_text="the start in the payload of `created`", null=True),
        ),
        migrations.AlterField(
            model_name="collaborator",
            name="permission",
            field=models.TextField(
                blank=True, help_text="role or permission, such as write; empty when unknown"
            ),
        ),
        migrations.AlterField(
            model_name="commit",
            name="committed_at",
            field=models.DateTimeField(help_text="null if it cannot be read", null=True),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="task",
            field=models.TextField(blank=True, help_text="deploy, unless another name was chosen"),
        ),
        migrations.AlterField(
            model_name="discussion",
            name="pin_told_at",
            field=models.DateTimeField(help_text="GitHub's, of the snapshot that set `pinned`", null=True),
        ),
        migrations.AlterField(
            model_name="hook",
            name="deleted",
            field=models.BooleanField(default=False, help_text="from the event `meta`"),
        ),
        migrations.AlterField(
            model_name="installationrepository",
            name="updated_at",
            field=models.DateTimeField(help_text="the installation's, of the last event about it", null=True),
        ),
        migrations.AlterField(
            model_name="issue",
            name="pin_told_at",
            field=models.DateTimeField(help_text="GitHub's, of the snapshot that set `pinned`", null=True),
        ),
    ]
