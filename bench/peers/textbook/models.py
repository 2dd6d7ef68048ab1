"""The deliveries of the view, and the records of the job."""

from typing import ClassVar

from django.db import models


class Delivery(models.Model):
    """One webhook."""

    guid = models.UUIDField(unique=True)
    event = models.CharField(max_length=64)
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Delivery"]] = models.Manager()

    class Meta:
        app_label = "textbook"

    def __str__(self) -> str:
        return f"{self.event} {self.guid}"


class Repository(models.Model):
    """A repository."""

    github_id = models.BigIntegerField(unique=True)
    full_name = models.TextField()

    objects: ClassVar[models.Manager["Repository"]] = models.Manager()

    class Meta:
        app_label = "textbook"

    def __str__(self) -> str:
        return self.full_name


class Push(models.Model):
    """A push."""

    repository = models.ForeignKey(Repository, models.CASCADE)
    ref = models.TextField()
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    forced = models.BooleanField()
    created = models.BooleanField()
    deleted = models.BooleanField()

    objects: ClassVar[models.Manager["Push"]] = models.Manager()

    class Meta:
        app_label = "textbook"
        unique_together: ClassVar = [("repository", "ref", "before", "after")]

    def __str__(self) -> str:
        return self.ref


class Commit(models.Model):
    """A commit, and the first push that contained it."""

    repository = models.ForeignKey(Repository, models.CASCADE)
    push = models.ForeignKey(Push, models.CASCADE)
    sha = models.CharField(max_length=64)
    message = models.TextField()
    author_name = models.TextField()
    author_email = models.TextField()
    committed_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Commit"]] = models.Manager()

    class Meta:
        app_label = "textbook"
        unique_together: ClassVar = [("repository", "sha")]

    def __str__(self) -> str:
        return self.sha


class PullRequest(models.Model):
    """A pull request."""

    repository = models.ForeignKey(Repository, models.CASCADE)
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6)
    draft = models.BooleanField()
    head_sha = models.CharField(max_length=64)
    updated_at = models.DateTimeField()

    objects: ClassVar[models.Manager["PullRequest"]] = models.Manager()

    class Meta:
        app_label = "textbook"
        unique_together: ClassVar = [("repository", "number")]

    def __str__(self) -> str:
        return self.title


class Issue(models.Model):
    """An issue."""

    repository = models.ForeignKey(Repository, models.CASCADE)
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6)
    updated_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Issue"]] = models.Manager()

    class Meta:
        app_label = "textbook"
        unique_together: ClassVar = [("repository", "number")]

    def __str__(self) -> str:
        return self.title
