"""Records of the events from `check_suite` to `workflow_job`, each in a table of its own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0006_ties_names_and_renames"),
    ]

    operations = [
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
                        blank=True, help_text="role or permission, such as write; empty when untold"
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
                (
                    "task",
                    models.TextField(blank=True, help_text="deploy, unless somebody chose another name"),
                ),
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
                    models.DateTimeField(help_text="GitHub's, of the snapshot that told `pinned`", null=True),
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
                        help_text="the installation's, of the event that told it", null=True
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
    ]
