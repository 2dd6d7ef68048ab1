"""Creates all tables of a new database. An older database runs the replaced steps that it lacks instead.

`tests/records/test_migrations.py` compares the two.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

# The key of a commit's place in a push is named as 0015_key_of_push_commits names it.
POSTGRESQL = ("ALTER TABLE records_pushcommit RENAME CONSTRAINT records_pushcommit_pkey TO pushcommit_key",)
SQLITE = (
    "DROP INDEX records_pushcommit_commit_id_43e74edd",
    "CREATE INDEX records_pushcommit_commit_id ON records_pushcommit (commit_id)",
)


def rename(_apps: Any, schema_editor: Any) -> None:
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    replaces = [
        ("records", "0001_initial"),
        ("records", "0002_refs_hooks_and_whole_snapshots"),
        ("records", "0003_activity"),
        ("records", "0004_rows_without_lookups"),
        ("records", "0005_servers"),
        ("records", "0006_ties_names_and_renames"),
        ("records", "0010_more_events"),
        ("records", "0011_ref_read_at"),
        ("records", "0012_commits_by_hash"),
        ("records", "0013_changes_of_repositories_and_releases"),
        ("records", "0014_descriptions"),
        ("records", "0015_key_of_push_commits"),
        ("records", "0016_moves_of_two_seconds"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Repository",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("github_id", models.BigIntegerField(help_text="unique within the server")),
                ("full_name", models.TextField()),
                ("private", models.BooleanField(default=False)),
                ("archived", models.BooleanField(default=False)),
                ("deleted", models.BooleanField(default=False)),
                ("default_branch", models.TextField(blank=True)),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                (
                    "previous_full_name",
                    models.TextField(blank=True, help_text="before the last rename or transfer"),
                ),
                (
                    "renamed_at",
                    models.DateTimeField(
                        help_text="GitHub's, of the first snapshot with `full_name`", null=True
                    ),
                ),
                ("server", models.CharField(help_text="host, as in github.com", max_length=253)),
                (
                    "previous_seen_at",
                    models.DateTimeField(
                        help_text="GitHub's, of the newest snapshot with that name; "
                        "null for one that none showed",
                        null=True,
                    ),
                ),
                (
                    "changes",
                    models.JSONField(
                        db_default={},
                        default=dict,
                        help_text="what actions of the time of `updated_at` changed",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "repositories",
                "indexes": [],
                "constraints": [
                    models.UniqueConstraint(fields=("server", "github_id"), name="repository_of_server")
                ],
            },
        ),
        migrations.CreateModel(
            name="Commit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha", models.CharField(max_length=64)),
                ("message", models.TextField()),
                ("author_name", models.TextField(blank=True)),
                (
                    "author_email",
                    models.TextField(blank=True, help_text="as git has it: it need not be an address"),
                ),
                ("committed_at", models.DateTimeField(help_text="null if it cannot be read", null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="commits",
                        to="records.repository",
                    ),
                ),
            ],
            options={
                "indexes": [],
                "constraints": [
                    models.UniqueConstraint(fields=("sha", "repository"), name="commit_sha_repository")
                ],
            },
        ),
        migrations.CreateModel(
            name="Push",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ref", models.TextField()),
                ("before", models.CharField(max_length=64)),
                ("after", models.CharField(max_length=64)),
                ("forced", models.BooleanField()),
                ("created", models.BooleanField()),
                ("deleted", models.BooleanField()),
                ("pusher", models.TextField(blank=True)),
                (
                    "pushed_at",
                    models.DateTimeField(help_text="GitHub's time of the push, else of its receipt"),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pushes",
                        to="records.repository",
                    ),
                ),
                (
                    "head_commit_sha",
                    models.CharField(
                        blank=True,
                        help_text="for an annotated tag, `after` is the tag and this its commit",
                        max_length=64,
                    ),
                ),
                (
                    "truncated",
                    models.BooleanField(
                        default=False,
                        help_text="it carried as many commits as GitHub lists: there may have been more",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "pushes",
                "indexes": [],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "ref", "before", "after", "pushed_at"), name="push_move"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PushCommit",
            fields=[
                ("position", models.PositiveIntegerField(help_text="from 0, in the payload's order")),
                (
                    "commit",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.CASCADE, to="records.commit"
                    ),
                ),
                (
                    "push",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="records.push",
                    ),
                ),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "push", "commit", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
            options={
                "indexes": [],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="PullRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("title", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed"), ("merged", "Merged")], max_length=6
                    ),
                ),
                ("draft", models.BooleanField(default=False)),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("head_ref", models.TextField()),
                ("head_sha", models.CharField(max_length=64)),
                ("base_ref", models.TextField()),
                (
                    "merge_commit_sha",
                    models.CharField(blank=True, help_text="only of a merged one", max_length=64),
                ),
                ("merged_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(help_text="GitHub's, of the snapshot that is stored")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pull_requests",
                        to="records.repository",
                    ),
                ),
                ("assignees", models.JSONField(default=list, help_text="logins")),
                ("base_sha", models.CharField(blank=True, max_length=64)),
                (
                    "head_repository",
                    models.TextField(blank=True, help_text="full name; empty when the fork is gone"),
                ),
                ("labels", models.JSONField(default=list, help_text="names")),
                ("locked", models.BooleanField(default=False)),
                ("milestone", models.TextField(blank=True, help_text="title")),
                ("requested_reviewers", models.JSONField(default=list, help_text="logins")),
                ("requested_teams", models.JSONField(default=list, help_text="slugs")),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "number"), name="pull_request_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="Issue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("title", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=6
                    ),
                ),
                ("state_reason", models.TextField(blank=True)),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("deleted", models.BooleanField(default=False, help_text="gone from this repository")),
                ("updated_at", models.DateTimeField(help_text="GitHub's, of the snapshot that is stored")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issues",
                        to="records.repository",
                    ),
                ),
                ("assignees", models.JSONField(default=list, help_text="logins")),
                ("labels", models.JSONField(default=list, help_text="names")),
                ("locked", models.BooleanField(default=False)),
                ("milestone", models.TextField(blank=True, help_text="title")),
                (
                    "pin_told_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that set `pinned`", null=True),
                ),
                ("pinned", models.BooleanField(default=False)),
                (
                    "transferred_to",
                    models.TextField(blank=True, help_text="as owner/name#number, when that is why"),
                ),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "number"), name="issue_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="Hook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hook_id", models.BigIntegerField(help_text="X-GitHub-Hook-ID: unique within the server")),
                ("organization", models.TextField(blank=True, help_text="login, of an organisation's hook")),
                ("events", models.JSONField(default=list, help_text="names; * is all")),
                ("content_type", models.TextField(blank=True, help_text="json or form")),
                ("active", models.BooleanField(default=True)),
                ("last_ping_at", models.DateTimeField(help_text="time of its receipt", null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        help_text="null for an organisation's",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hooks",
                        to="records.repository",
                    ),
                ),
                ("server", models.CharField(help_text="host, as in github.com", max_length=253)),
                ("deleted", models.BooleanField(default=False, help_text="from the event `meta`")),
            ],
            options={
                "indexes": [],
                "constraints": [models.UniqueConstraint(fields=("server", "hook_id"), name="hook_of_server")],
            },
        ),
        migrations.CreateModel(
            name="Ref",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.TextField(help_text="in full, as in refs/heads/main")),
                (
                    "head_sha",
                    models.CharField(help_text="`after` of the last push: zeros when deleted", max_length=64),
                ),
                (
                    "previous_sha",
                    models.CharField(
                        help_text="`before` of the last push: zeros when created", max_length=64
                    ),
                ),
                ("deleted", models.BooleanField(default=False)),
                ("pushed_at", models.DateTimeField(help_text="time of the last push")),
                (
                    "last_push",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="records.push",
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refs",
                        to="records.repository",
                    ),
                ),
                (
                    "moves",
                    models.JSONField(default=list, help_text="pushes of the newest two seconds that had one"),
                ),
                (
                    "read_at",
                    models.DateTimeField(
                        help_text="of GitHub's API, as a time of a push: no push up to it moves the ref",
                        null=True,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("repository", "name"), name="ref_name")],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CheckRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("name", models.TextField()),
                ("head_branch", models.TextField(blank=True)),
                ("head_sha", models.CharField(max_length=64)),
                ("app", models.TextField(blank=True, help_text="slug, else name, of the app that checks")),
                ("status", models.TextField(blank=True, help_text="queued, in_progress, completed, ...")),
                (
                    "conclusion",
                    models.TextField(blank=True, help_text="success, failure, ...; empty before the end"),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
                (
                    "announced_at",
                    models.DateTimeField(help_text="the start in the payload of `created`", null=True),
                ),
                (
                    "previous_end",
                    models.DateTimeField(help_text="`completed_at` of the end that was replaced", null=True),
                ),
                (
                    "suite_updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="checkrun_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="check_run_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="IssueComment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("number", models.PositiveBigIntegerField(help_text="of the issue or the pull request")),
                ("on_pull_request", models.BooleanField(default=False)),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("body", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("deleted", models.BooleanField(default=False)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="issuecomment_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="issue_comment_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="PullRequestReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("number", models.PositiveBigIntegerField(help_text="of the pull request")),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                (
                    "state",
                    models.TextField(help_text="approved, changes_requested, commented, dismissed, ..."),
                ),
                ("body", models.TextField(blank=True)),
                (
                    "commit_sha",
                    models.CharField(blank=True, help_text="the head that was reviewed", max_length=64),
                ),
                ("submitted_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["repository", "updated_at"], name="pullrequestreview_updated")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="review_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="RefChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "happened_at",
                    models.DateTimeField(help_text="`pushed_at` of the repository, else of the receipt"),
                ),
                (
                    "change",
                    models.CharField(choices=[("created", "Created"), ("deleted", "Deleted")], max_length=7),
                ),
                ("ref_type", models.TextField(help_text="branch or tag")),
                ("ref", models.TextField(help_text="short, as in main")),
                ("sender", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "happened_at", "change", "ref_type", "ref"), name="ref_change"
                    )
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("tag_name", models.TextField()),
                (
                    "target",
                    models.TextField(blank=True, help_text="branch or commit that the tag is made from"),
                ),
                ("name", models.TextField(blank=True)),
                ("body", models.TextField(blank=True)),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("draft", models.BooleanField(default=False)),
                ("prerelease", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(null=True)),
                ("published_at", models.DateTimeField(null=True)),
                ("deleted", models.BooleanField(default=False)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
                (
                    "last_published_at",
                    models.DateTimeField(help_text="the newest, though it was withdrawn since", null=True),
                ),
                (
                    "withdrawn",
                    models.BooleanField(default=False, help_text="`unpublished`, and not published since"),
                ),
                (
                    "changes",
                    models.JSONField(
                        db_default={},
                        default=dict,
                        help_text="what actions of the time of `updated_at` changed",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="release_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="release_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkflowRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                (
                    "run_attempt",
                    models.PositiveBigIntegerField(default=1, help_text="from 1; to run again counts it up"),
                ),
                (
                    "run_number",
                    models.PositiveBigIntegerField(help_text="of the workflow, from 1", null=True),
                ),
                ("name", models.TextField(blank=True)),
                ("event", models.TextField(blank=True, help_text="what started it, as in push")),
                ("head_branch", models.TextField(blank=True)),
                ("head_sha", models.CharField(max_length=64)),
                ("status", models.TextField(blank=True, help_text="queued, in_progress, completed, ...")),
                (
                    "conclusion",
                    models.TextField(blank=True, help_text="success, failure, ...; empty before the end"),
                ),
                ("actor", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("started_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="workflowrun_updated")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "github_id", "run_attempt"), name="workflow_run_attempt"
                    )
                ],
            },
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
                ("told_at", models.DateTimeField(help_text="time of receipt: GitHub sends none")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "former_login", "login"), name="account_rename")
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("server", models.CharField(help_text="host, as in github.com", max_length=253)),
                ("github_id", models.BigIntegerField(help_text="unique within the server")),
                ("account", models.TextField(blank=True, help_text="login, or slug of an enterprise")),
                ("target_type", models.TextField(blank=True, help_text="User, Organization or Enterprise")),
                ("app_id", models.BigIntegerField(null=True)),
                ("app", models.TextField(blank=True, help_text="slug")),
                ("repository_selection", models.TextField(blank=True, help_text="all or selected")),
                ("permissions", models.JSONField(default=dict, help_text="read or write, by name")),
                ("events", models.JSONField(default=list, help_text="names")),
                ("suspended_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("deleted", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "github_id"), name="installation_of_server")
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("server", models.CharField(help_text="host, as in github.com", max_length=253)),
                ("github_id", models.BigIntegerField(help_text="unique within the server")),
                ("login", models.TextField()),
                ("changes", models.JSONField(default=dict, help_text="logins that were replaced")),
                ("deleted", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "github_id"), name="organization_of_server")
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CheckSuite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("head_branch", models.TextField(blank=True)),
                ("head_sha", models.CharField(max_length=64)),
                ("status", models.TextField(blank=True, help_text="queued, in_progress, completed, ...")),
                (
                    "conclusion",
                    models.TextField(blank=True, help_text="success, failure, ...; empty before the end"),
                ),
                ("app", models.TextField(blank=True, help_text="slug, else name, of the app that checks")),
                ("created_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="checksuite_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="check_suite_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Collaborator",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("user_id", models.BigIntegerField(help_text="GitHub's, which stays when the login changes")),
                ("login", models.TextField()),
                ("removed", models.BooleanField(default=False)),
                (
                    "permission",
                    models.TextField(
                        blank=True, help_text="role or permission, such as write; empty when unknown"
                    ),
                ),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the time of `updated_at` changed"
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="collaborator_updated")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "user_id"), name="collaborator_of_repository"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CommitComment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("body", models.TextField(blank=True)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("created_at", models.DateTimeField(null=True)),
                ("deleted", models.BooleanField(default=False)),
                ("commit_sha", models.CharField(max_length=64)),
                ("path", models.TextField(blank=True, help_text="empty for one about the whole commit")),
                ("line", models.PositiveBigIntegerField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="commitcomment_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="commitcomment_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="CommitStatus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("state", models.TextField(help_text="success, failure, pending, ...")),
                ("description", models.TextField(blank=True)),
                ("target_url", models.TextField(blank=True)),
                ("creator", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("created_at", models.DateTimeField(null=True)),
                ("sha", models.CharField(max_length=64)),
                ("context", models.TextField(help_text="what was looked at, such as ci/build")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="commitstatus_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="commitstatus_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("sha", models.CharField(max_length=64)),
                ("ref", models.TextField(help_text="branch, tag or sha, as it was asked for")),
                ("task", models.TextField(blank=True, help_text="deploy, unless another name was chosen")),
                ("environment", models.TextField()),
                ("description", models.TextField(blank=True)),
                ("production", models.BooleanField(default=False)),
                ("transient", models.BooleanField(default=False)),
                ("creator", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                (
                    "state",
                    models.TextField(blank=True, help_text="of the newest status; empty before the first"),
                ),
                (
                    "status_id",
                    models.BigIntegerField(help_text="`github_id` of the newest status", null=True),
                ),
                ("created_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="deployment_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="deployment_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="DeploymentStatus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("state", models.TextField(help_text="success, failure, pending, ...")),
                ("description", models.TextField(blank=True)),
                ("target_url", models.TextField(blank=True)),
                ("creator", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("created_at", models.DateTimeField(null=True)),
                ("deployment_id", models.BigIntegerField(help_text="`github_id` of the deployment")),
                ("environment", models.TextField()),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["repository", "updated_at"], name="deploymentstatus_updated")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="deploymentstatus_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Discussion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("title", models.TextField()),
                (
                    "state",
                    models.TextField(default="open", help_text="open, closed, locked, converting, ..."),
                ),
                ("state_reason", models.TextField(blank=True)),
                ("category", models.TextField(blank=True, help_text="name")),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("locked", models.BooleanField(default=False)),
                ("labels", models.JSONField(default=list, help_text="names")),
                ("pinned", models.BooleanField(default=False)),
                (
                    "pin_told_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that set `pinned`", null=True),
                ),
                (
                    "answered_at",
                    models.DateTimeField(help_text="when a comment was chosen as the answer", null=True),
                ),
                ("answer_chosen_by", models.TextField(blank=True, help_text="login")),
                ("created_at", models.DateTimeField(null=True)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("deleted", models.BooleanField(default=False, help_text="gone from this repository")),
                (
                    "transferred_to",
                    models.TextField(blank=True, help_text="as owner/name#number, when that is why"),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="discussion_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "number"), name="discussion_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="DiscussionComment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("body", models.TextField(blank=True)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("created_at", models.DateTimeField(null=True)),
                ("deleted", models.BooleanField(default=False)),
                ("number", models.PositiveBigIntegerField(help_text="of the discussion")),
                (
                    "in_reply_to",
                    models.BigIntegerField(help_text="`github_id` of the comment it replies to", null=True),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["repository", "updated_at"], name="discussioncomment_updated")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="discussioncomment_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Fork",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField(help_text="of the copy, which is a repository")),
                ("full_name", models.TextField()),
                ("private", models.BooleanField(default=False)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="fork_updated")],
                "constraints": [models.UniqueConstraint(fields=("repository", "github_id"), name="fork_id")],
            },
        ),
        migrations.CreateModel(
            name="InstallationRepository",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("removed", models.BooleanField(default=False)),
                (
                    "updated_at",
                    models.DateTimeField(
                        help_text="the installation's, of the last event about it", null=True
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="repositories",
                        to="records.installation",
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="installations",
                        to="records.repository",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("installation", "repository"), name="repository_of_installation"
                    )
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("name", models.TextField()),
                ("color", models.TextField(blank=True, help_text="six hexadecimal digits")),
                ("description", models.TextField(blank=True)),
                ("default", models.BooleanField(default=False, help_text="every repository begins with it")),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the time of `updated_at` changed"
                    ),
                ),
                ("deleted", models.BooleanField(default=False)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="label_updated")],
                "constraints": [models.UniqueConstraint(fields=("repository", "github_id"), name="label_id")],
            },
        ),
        migrations.CreateModel(
            name="MergeGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("head_sha", models.CharField(max_length=64)),
                ("head_ref", models.TextField(help_text="in full, as in refs/heads/gh-readonly-queue/...")),
                ("base_ref", models.TextField(help_text="in full; what it is to be merged into")),
                ("base_sha", models.CharField(blank=True, max_length=64)),
                ("destroyed", models.BooleanField(default=False, help_text="the queue is done with it")),
                ("reason", models.TextField(blank=True, help_text="why: merged, invalidated or dequeued")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="mergegroup_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "head_sha"), name="merge_group_head")
                ],
            },
        ),
        migrations.CreateModel(
            name="Milestone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("title", models.TextField()),
                ("description", models.TextField(blank=True)),
                ("state", models.TextField(default="open", help_text="open or closed")),
                ("creator", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("due_on", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("deleted", models.BooleanField(default=False)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="milestone_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "number"), name="milestone_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="OrganizationMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", models.BigIntegerField(help_text="GitHub's, which stays when the login changes")),
                ("login", models.TextField()),
                ("removed", models.BooleanField(default=False)),
                ("role", models.TextField(blank=True, help_text="member, admin, direct_member, ...")),
                ("state", models.TextField(blank=True, help_text="invited, pending or active")),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="records.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "user_id"), name="member_of_organization")
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="ReviewComment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("author", models.TextField(blank=True, help_text="login; empty when the account is gone")),
                ("body", models.TextField(blank=True)),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text="what actions of the second of `updated_at` changed"
                    ),
                ),
                ("created_at", models.DateTimeField(null=True)),
                ("deleted", models.BooleanField(default=False)),
                ("number", models.PositiveBigIntegerField(help_text="of the pull request")),
                (
                    "review_id",
                    models.BigIntegerField(help_text="`github_id` of the review it belongs to", null=True),
                ),
                (
                    "in_reply_to",
                    models.BigIntegerField(
                        help_text="`github_id` of the comment that began the thread", null=True
                    ),
                ),
                ("commit_sha", models.CharField(blank=True, max_length=64)),
                ("path", models.TextField(blank=True)),
                (
                    "line",
                    models.PositiveBigIntegerField(
                        help_text="null once a later commit took it away", null=True
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="reviewcomment_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="reviewcomment_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewThread",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField(help_text="of the comment that began it")),
                ("number", models.PositiveBigIntegerField(help_text="of the pull request")),
                ("path", models.TextField(blank=True)),
                ("line", models.PositiveBigIntegerField(null=True)),
                ("resolved", models.BooleanField(default=False)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="reviewthread_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="review_thread_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Star",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("user_id", models.BigIntegerField(help_text="GitHub's, which stays when the login changes")),
                ("login", models.TextField()),
                ("removed", models.BooleanField(default=False)),
                ("starred_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="star_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "user_id"), name="star_of_user")
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkflowJob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(help_text="GitHub's, of the snapshot that is stored", null=True),
                ),
                ("github_id", models.BigIntegerField()),
                ("head_branch", models.TextField(blank=True)),
                ("head_sha", models.CharField(max_length=64)),
                ("status", models.TextField(blank=True, help_text="queued, in_progress, completed, ...")),
                (
                    "conclusion",
                    models.TextField(blank=True, help_text="success, failure, ...; empty before the end"),
                ),
                ("run_id", models.BigIntegerField(help_text="`github_id` of the workflow run")),
                ("run_attempt", models.PositiveBigIntegerField(default=1)),
                ("name", models.TextField()),
                ("workflow", models.TextField(blank=True, help_text="name")),
                ("runner", models.TextField(blank=True, help_text="name; empty while none has the job")),
                ("labels", models.JSONField(default=list, help_text="what a runner must have")),
                ("started_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="records.repository"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["repository", "updated_at"], name="workflowjob_updated")],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "github_id"), name="workflow_job_id")
                ],
            },
        ),
        migrations.AddField(
            model_name="Push",
            name="commits",
            field=models.ManyToManyField(
                related_name="pushes", through="records.PushCommit", to="records.commit"
            ),
        ),
        migrations.RunPython(rename, migrations.RunPython.noop, elidable=False),
    ]
