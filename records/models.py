"""The records, and how each takes in what a payload says.

Every `record` is idempotent on a natural key, so that a delivery that runs twice, or arrives under two
guids, leaves the same rows; checking and writing are one transaction.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records import writers


class Repository(models.Model):
    """A repository, keyed on GitHub's numeric id: names change with rename and transfer."""

    github_id = models.BigIntegerField(unique=True)
    full_name = models.TextField()
    private = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    default_branch = models.TextField(blank=True)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = writers.RepositoryManager()

    class Meta:
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.full_name


class Commit(models.Model):
    """A commit of a repository, whatever number of pushes carried it."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=64)
    message = models.TextField()
    author_name = models.TextField(blank=True)
    author_email = models.TextField(blank=True, help_text="as git has it: it need not be an address")
    committed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "sha"], name="commit_repository_sha")
        ]

    def __str__(self) -> str:
        return self.sha


class Push(models.Model):
    """One move of a ref. The same move may happen again later, so the time of the push is in its key."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="pushes")
    ref = models.TextField()
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    forced = models.BooleanField()
    created = models.BooleanField()
    deleted = models.BooleanField()
    pusher = models.TextField(blank=True)
    pushed_at = models.DateTimeField(help_text="GitHub's time of the push, else of its receipt")
    commits: models.ManyToManyField[Commit, PushCommit] = models.ManyToManyField(
        Commit, through="PushCommit", related_name="pushes"
    )

    objects: ClassVar = writers.PushManager()

    class Meta:
        verbose_name_plural = "pushes"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "ref", "before", "after", "pushed_at"], name="push_move"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.before[:7]}..{self.after[:7]}"


class PushCommit(models.Model):
    """Which push carried which commit, and in which place."""

    push = models.ForeignKey(Push, models.CASCADE)
    commit = models.ForeignKey(Commit, models.CASCADE)
    position = models.PositiveIntegerField(help_text="from 0, in the payload's order")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["push", "commit"], name="push_commit")]

    def __str__(self) -> str:
        return f"{self.push_id}:{self.position}"


class PullRequest(models.Model):
    """A pull request as the newest snapshot shows it; merged is final."""

    class State(models.TextChoices):
        """GitHub's states, with merged as one of its own."""

        OPEN = "open"
        CLOSED = "closed"
        MERGED = "merged"

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="pull_requests")
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices)
    draft = models.BooleanField(default=False)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    head_ref = models.TextField()
    head_sha = models.CharField(max_length=64)
    base_ref = models.TextField()
    merge_commit_sha = models.CharField(max_length=64, blank=True, help_text="only of a merged one")
    merged_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = writers.PullRequestManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="pull_request_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class Issue(models.Model):
    """An issue as the newest snapshot shows it; a deleted one stays as a tombstone."""

    class State(models.TextChoices):
        """GitHub's states."""

        OPEN = "open"
        CLOSED = "closed"

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="issues")
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices)
    state_reason = models.TextField(blank=True)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    deleted = models.BooleanField(default=False)
    updated_at = models.DateTimeField(help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = writers.IssueManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="issue_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"
