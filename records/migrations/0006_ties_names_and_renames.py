"""What tells snapshots of one second apart, former names, renamed accounts, unreadable times."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0005_servers"),
    ]

    operations = [
        migrations.AddField(
            model_name="checkrun",
            name="announced_at",
            field=models.DateTimeField(help_text="the start that `created` told", null=True),
        ),
        migrations.AddField(
            model_name="checkrun",
            name="previous_end",
            field=models.DateTimeField(help_text="`completed_at` of the end that was replaced", null=True),
        ),
        migrations.AddField(
            model_name="checkrun",
            name="suite_updated_at",
            field=models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
        ),
        migrations.AddField(
            model_name="hook",
            name="deleted",
            field=models.BooleanField(default=False, help_text="`meta` told that it is gone"),
        ),
        migrations.AddField(
            model_name="issue",
            name="changes",
            field=models.JSONField(
                default=dict, help_text="what actions of the second of `updated_at` changed"
            ),
        ),
        migrations.AddField(
            model_name="issue",
            name="closed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="issuecomment",
            name="changes",
            field=models.JSONField(
                default=dict, help_text="what actions of the second of `updated_at` changed"
            ),
        ),
        migrations.AddField(
            model_name="pullrequest",
            name="changes",
            field=models.JSONField(
                default=dict, help_text="what actions of the second of `updated_at` changed"
            ),
        ),
        migrations.AddField(
            model_name="pullrequest",
            name="closed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="pullrequestreview",
            name="changes",
            field=models.JSONField(
                default=dict, help_text="what actions of the second of `updated_at` changed"
            ),
        ),
        migrations.AddField(
            model_name="ref",
            name="moves",
            field=models.JSONField(
                default=list, help_text="pushes of the second of `pushed_at`: before, after, primary key"
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="last_published_at",
            field=models.DateTimeField(help_text="the newest, though it was withdrawn since", null=True),
        ),
        migrations.AddField(
            model_name="release",
            name="withdrawn",
            field=models.BooleanField(default=False, help_text="`unpublished`, and not published since"),
        ),
        migrations.AddField(
            model_name="repository",
            name="previous_seen_at",
            field=models.DateTimeField(
                help_text="GitHub's, of the newest snapshot with that name; null for one that none showed",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="commit",
            name="committed_at",
            field=models.DateTimeField(help_text="null where nobody can read what git has", null=True),
        ),
        migrations.AlterField(
            model_name="hook",
            name="last_ping_at",
            field=models.DateTimeField(help_text="time of its receipt", null=True),
        ),
        migrations.AlterField(
            model_name="repository",
            name="previous_full_name",
            field=models.TextField(blank=True, help_text="before the last rename or transfer"),
        ),
        migrations.AlterField(
            model_name="repository",
            name="renamed_at",
            field=models.DateTimeField(
                help_text="GitHub's, of the first snapshot with `full_name`", null=True
            ),
        ),
        migrations.CreateModel(
            name="AccountRename",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("server", models.CharField(help_text="host, as in github.com", max_length=253)),
                ("former_login", models.TextField()),
                ("login", models.TextField()),
                ("told_at", models.DateTimeField(help_text="time of receipt: GitHub tells none")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "former_login", "login"), name="account_rename")
                ],
            },
        ),
    ]
