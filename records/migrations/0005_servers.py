"""Numeric ids are unique within one server: all that was recorded so far is of github.com."""

from django.db import migrations, models


def keyed(model: str, *constraint: str, name: str) -> migrations.AddConstraint:
    return migrations.AddConstraint(model, models.UniqueConstraint(fields=constraint, name=name))


class Migration(migrations.Migration):
    dependencies = [("records", "0004_rows_without_lookups")]

    operations = [
        *(
            migrations.AddField(
                model,
                "server",
                models.CharField(default="github.com", help_text="host, as in github.com", max_length=253),
                preserve_default=False,
            )
            for model in ("repository", "hook")
        ),
        migrations.AlterField(
            "repository", "github_id", models.BigIntegerField(help_text="unique within the server")
        ),
        migrations.AlterField(
            "hook",
            "hook_id",
            models.BigIntegerField(help_text="X-GitHub-Hook-ID: unique within the server"),
        ),
        keyed("repository", "server", "github_id", name="repository_of_server"),
        keyed("hook", "server", "hook_id", name="hook_of_server"),
        *(
            migrations.AlterField(model, "github_id", models.BigIntegerField())
            for model in ("issuecomment", "pullrequestreview", "release", "checkrun")
        ),
        keyed("issuecomment", "repository", "github_id", name="issue_comment_id"),
        keyed("pullrequestreview", "repository", "github_id", name="review_id"),
        keyed("release", "repository", "github_id", name="release_id"),
        keyed("checkrun", "repository", "github_id", name="check_run_id"),
        migrations.RemoveConstraint("workflowrun", "workflow_run_attempt"),
        keyed("workflowrun", "repository", "github_id", "run_attempt", name="workflow_run_attempt"),
    ]
