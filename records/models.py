"""The records, and how each takes in what a payload says.

Every `record` is idempotent on a natural key, so that a delivery that runs twice, or arrives under two
guids, leaves the same rows; checking and writing are one transaction. A foreign key that begins a unique
constraint has no index of its own: that of the constraint serves, and one more costs a push of many commits
half of its time.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records.activity import (  # noqa: F401 - so that Django finds them
    CheckRun,
    IssueComment,
    PullRequestReview,
    RefChange,
    Release,
    WorkflowRun,
)
from records.hooks import HookManager
from records.issues import IssueManager
from records.pull_requests import PullRequestManager
from records.pushes import PushManager
from records.repositories import RepositoryManager


class Repository(models.Model):
    """A repository, keyed on GitHub's numeric id: names change with rename and transfer."""

    github_id = models.BigIntegerField(unique=True)
    full_name = models.TextField()
    previous_full_name = models.TextField(
        blank=True, help_text="before the last rename or transfer that was told"
    )
    renamed_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that told that")
    private = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    default_branch = models.TextField(blank=True)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = RepositoryManager()

    class Meta:
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.full_name


class Commit(models.Model):
    """A commit of a repository, whatever number of pushes carried it."""

    # Commits are many, and written by who has just seen the repository: the server need not look it up.
    repository = models.ForeignKey(
        Repository, models.CASCADE, related_name="commits", db_index=False, db_constraint=False
    )
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

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="pushes", db_index=False)
    ref = models.TextField()
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    forced = models.BooleanField()
    created = models.BooleanField()
    deleted = models.BooleanField()
    truncated = models.BooleanField(
        default=False, help_text="it carried as many commits as GitHub lists: there may have been more"
    )
    head_commit_sha = models.CharField(
        max_length=64, blank=True, help_text="for an annotated tag, `after` is the tag and this its commit"
    )
    pusher = models.TextField(blank=True)
    pushed_at = models.DateTimeField(help_text="GitHub's time of the push, else of its receipt")
    commits: models.ManyToManyField[Commit, PushCommit] = models.ManyToManyField(
        Commit, through="PushCommit", related_name="pushes"
    )

    objects: ClassVar = PushManager()

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

    # Written with the push and the commit, in one transaction.
    push = models.ForeignKey(Push, models.CASCADE, db_index=False, db_constraint=False)
    commit = models.ForeignKey(Commit, models.CASCADE, db_constraint=False)
    position = models.PositiveIntegerField(help_text="from 0, in the payload's order")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["push", "commit"], name="push_commit")]

    def __str__(self) -> str:
        return f"{self.push_id}:{self.position}"


class Ref(models.Model):
    """A branch or a tag, as the newest push left it, though older ones may arrive later.

    Of two pushes of one second, the one that began where the other ended is the newer.
    """

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="refs", db_index=False)
    name = models.TextField(help_text="in full, as in refs/heads/main")
    head_sha = models.CharField(max_length=64, help_text="`after` of the last push: zeros when deleted")
    previous_sha = models.CharField(max_length=64, help_text="`before` of the last push: zeros when created")
    deleted = models.BooleanField(default=False)
    last_push = models.ForeignKey(Push, models.SET_NULL, null=True, related_name="+")
    pushed_at = models.DateTimeField(help_text="time of the last push")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "name"], name="ref_name")]

    def __str__(self) -> str:
        return self.name


class PullRequest(models.Model):
    """A pull request as the newest snapshot shows it; merged is final."""

    class State(models.TextChoices):
        """GitHub's states, with merged as one of its own."""

        OPEN = "open"
        CLOSED = "closed"
        MERGED = "merged"

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="pull_requests", db_index=False)
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices)
    draft = models.BooleanField(default=False)
    locked = models.BooleanField(default=False)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    head_repository = models.TextField(blank=True, help_text="full name; empty when the fork is gone")
    head_ref = models.TextField()
    head_sha = models.CharField(max_length=64)
    base_ref = models.TextField()
    base_sha = models.CharField(max_length=64, blank=True)
    merge_commit_sha = models.CharField(max_length=64, blank=True, help_text="only of a merged one")
    merged_at = models.DateTimeField(null=True)
    labels = models.JSONField(default=list, help_text="names")
    assignees = models.JSONField(default=list, help_text="logins")
    requested_reviewers = models.JSONField(default=list, help_text="logins")
    requested_teams = models.JSONField(default=list, help_text="slugs")
    milestone = models.TextField(blank=True, help_text="title")
    updated_at = models.DateTimeField(help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = PullRequestManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="pull_request_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class Issue(models.Model):
    """An issue as the newest snapshot shows it; one that was deleted or transferred stays as a tombstone."""

    class State(models.TextChoices):
        """GitHub's states."""

        OPEN = "open"
        CLOSED = "closed"

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="issues", db_index=False)
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    state_reason = models.TextField(blank=True)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    locked = models.BooleanField(default=False)
    labels = models.JSONField(default=list, help_text="names")
    assignees = models.JSONField(default=list, help_text="logins")
    milestone = models.TextField(blank=True, help_text="title")
    pinned = models.BooleanField(default=False)
    pin_told_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that told `pinned`")
    deleted = models.BooleanField(default=False, help_text="gone from this repository")
    transferred_to = models.TextField(blank=True, help_text="as owner/name#number, when that is why")
    updated_at = models.DateTimeField(help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = IssueManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="issue_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class Hook(models.Model):
    """A webhook, as its last ping told what it is configured to send."""

    hook_id = models.BigIntegerField(unique=True, help_text="X-GitHub-Hook-ID")
    repository = models.ForeignKey(
        Repository, models.CASCADE, null=True, related_name="hooks", help_text="null for an organisation's"
    )
    organization = models.TextField(blank=True, help_text="login, of an organisation's hook")
    events = models.JSONField(default=list, help_text="names; * is all")
    content_type = models.TextField(blank=True, help_text="json or form")
    active = models.BooleanField(default=True)
    last_ping_at = models.DateTimeField(help_text="time of its receipt")

    objects: ClassVar = HookManager()

    def __str__(self) -> str:
        return str(self.hook_id)
