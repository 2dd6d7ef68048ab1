"""What goes on besides pushes, pull requests and issues: rows to list by repository and time."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records.comments import IssueCommentManager, PullRequestReviewManager
from records.releases import RefChangeManager, ReleaseManager
from records.runs import CheckRunManager, WorkflowRunManager


class Activity(models.Model):
    """What all of them have; the index by repository and time is that of the lists."""

    repository = models.ForeignKey("records.Repository", models.CASCADE, db_index=False)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    class Meta:
        abstract = True
        indexes: ClassVar = [models.Index(fields=["repository", "updated_at"], name="%(class)s_updated")]


class IssueComment(Activity):
    """A comment on an issue or in the conversation of a pull request; a deleted one stays as a tombstone."""

    github_id = models.BigIntegerField(unique=True)
    number = models.PositiveBigIntegerField(help_text="of the issue or the pull request")
    on_pull_request = models.BooleanField(default=False)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(null=True)
    deleted = models.BooleanField(default=False)

    objects: ClassVar = IssueCommentManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.github_id} on #{self.number}"


class PullRequestReview(Activity):
    """A review of a pull request as the newest snapshot shows it; dismissed is final."""

    github_id = models.BigIntegerField(unique=True)
    number = models.PositiveBigIntegerField(help_text="of the pull request")
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    state = models.TextField(help_text="approved, changes_requested, commented, dismissed, ...")
    body = models.TextField(blank=True)
    commit_sha = models.CharField(max_length=64, blank=True, help_text="the head that was reviewed")
    submitted_at = models.DateTimeField(null=True)

    objects: ClassVar = PullRequestReviewManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.state} #{self.number}"


class Release(Activity):
    """A release as the newest snapshot shows it; a deleted one stays as a tombstone."""

    github_id = models.BigIntegerField(unique=True)
    tag_name = models.TextField()
    target = models.TextField(blank=True, help_text="branch or commit that the tag is made from")
    name = models.TextField(blank=True)
    body = models.TextField(blank=True)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    draft = models.BooleanField(default=False)
    prerelease = models.BooleanField(default=False)
    created_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    deleted = models.BooleanField(default=False)

    objects: ClassVar = ReleaseManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return self.tag_name


class RefChange(models.Model):
    """A branch or a tag that was created or deleted, as `create` and `delete` tell it.

    Neither event has an id: the same ref may come and go many times, so the time is in the key.
    """

    class Change(models.TextChoices):
        """Which of the two."""

        CREATED = "created"
        DELETED = "deleted"

    repository = models.ForeignKey("records.Repository", models.CASCADE, db_index=False)
    happened_at = models.DateTimeField(help_text="`pushed_at` of the repository, else of the receipt")
    change = models.CharField(max_length=7, choices=Change.choices)
    ref_type = models.TextField(help_text="branch or tag")
    ref = models.TextField(help_text="short, as in main")
    sender = models.TextField(blank=True, help_text="login; empty when the account is gone")

    objects: ClassVar = RefChangeManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "happened_at", "change", "ref_type", "ref"], name="ref_change"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref_type} {self.ref} {self.change}"


class WorkflowRun(Activity):
    """One attempt at a run of a workflow, as the newest snapshot shows it."""

    github_id = models.BigIntegerField()
    run_attempt = models.PositiveBigIntegerField(default=1, help_text="from 1; to run again counts it up")
    run_number = models.PositiveBigIntegerField(null=True, help_text="of the workflow, from 1")
    name = models.TextField(blank=True)
    event = models.TextField(blank=True, help_text="what started it, as in push")
    head_branch = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64)
    status = models.TextField(blank=True, help_text="queued, in_progress, completed, ...")
    conclusion = models.TextField(blank=True, help_text="success, failure, ...; empty before the end")
    actor = models.TextField(blank=True, help_text="login; empty when the account is gone")
    started_at = models.DateTimeField(null=True)

    objects: ClassVar = WorkflowRunManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["github_id", "run_attempt"], name="workflow_run_attempt")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.run_number}.{self.run_attempt}"


class CheckRun(Activity):
    """A check of a commit as the newest snapshot shows it; `updated_at` is that of its end or its start."""

    github_id = models.BigIntegerField(unique=True)
    name = models.TextField()
    head_branch = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64)
    app = models.TextField(blank=True, help_text="slug, else name, of the app that checks")
    status = models.TextField(blank=True, help_text="queued, in_progress, completed, ...")
    conclusion = models.TextField(blank=True, help_text="success, failure, ...; empty before the end")
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    objects: ClassVar = CheckRunManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.name} {self.status}"
