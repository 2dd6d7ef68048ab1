"""Tables of the API: tokens, answers to requests with an `Idempotency-Key`, and saved views."""

from typing import ClassVar
from urllib.parse import urlencode

from django.db import models

from ledger.filters import CONDITIONS


class Token(models.Model):
    """A token of one program. The secret part is stored as its SHA-256 only."""

    class Scope(models.TextChoices):
        """The rights of a token; `operate` includes `read`."""

        READ = "read"
        OPERATE = "operate"

    name = models.CharField(max_length=100, unique=True, help_text="the program that uses it")
    key = models.CharField(max_length=16, unique=True, help_text="the public part, which finds the row")
    digest = models.BinaryField(help_text="SHA-256 of the secret part")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    limit = models.PositiveIntegerField(help_text="requests in a minute")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def may_operate(self) -> bool:
        """Whether it may change anything."""
        return self.scope == self.Scope.OPERATE


class IdempotentAnswer(models.Model):
    """The answer to a request with an `Idempotency-Key`, stored in the transaction of its effect."""

    token = models.ForeignKey(Token, models.CASCADE, db_index=False)
    key = models.CharField(max_length=255)
    digest = models.BinaryField(help_text="SHA-256 of the request")
    # PostgreSQL's JSON refuses NUL, which a request may hold and its answer repeat.
    answer = models.TextField(blank=True, help_text="as JSON")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "key"], name="idempotent_answer")]

    def __str__(self) -> str:
        return self.key


class SavedView(models.Model):
    """A filter of deliveries under a name, for programs and as a chip in the console."""

    name = models.CharField(max_length=100, unique=True)
    filter = models.JSONField(help_text="values by the names of `ledger.filters`")
    version = models.PositiveBigIntegerField(default=1, help_text="counts changes: the ETag")
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=255, help_text="the token that wrote it last")

    def __str__(self) -> str:
        return self.name

    @property
    def query(self) -> str:
        """The filter as the query of a URL. PostgreSQL's JSON keeps no order, so pages' order is used."""
        return urlencode({name: self.filter[name] for name in CONDITIONS if name in self.filter})
