"""Operations: long pieces of work that people ask for, with progress that can be watched and cancelled."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now


class Kind(models.TextChoices):
    """The kinds of operations."""

    REPLAY = "replay"
    RECOVER = "recover"
    SYNC = "sync"
    PRUNE = "prune"


class State(models.TextChoices):
    """The state of an operation; `ledger.operations` has the transitions."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


# SQLite uses a partial index for this condition and not for `state IN (...)`.
OPEN = models.Q(state=State.QUEUED) | models.Q(state=State.RUNNING)


class Operation(models.Model):
    """One piece of work, run in portions by one worker at a time.

    The row is also the audit log: its user, parameters, times and outcome.
    """

    key = models.UUIDField(
        default=uuid4,
        unique=True,
        help_text="chosen by the requester, so that a form sent twice acts once",
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    parameters = models.JSONField(default=dict, help_text="what to do, as the kind defines it")
    rate = models.FloatField(default=0.0, help_text="items per second at most; 0 is no limit")
    requested_by = models.CharField(
        max_length=255, help_text="an account, a token, or user and host of a command"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    estimated = models.PositiveBigIntegerField(null=True, help_text="items; null while unknown")
    done = models.PositiveBigIntegerField(default=0, help_text="items that were done")
    failed = models.PositiveBigIntegerField(default=0, help_text="items that could not be done")
    failures = models.JSONField(default=dict, help_text="failed items by reason")
    cursor = models.JSONField(null=True, help_text="where the next portion begins, as the kind defines it")
    created_at = models.DateTimeField(help_text="when it was asked for")
    started_at = models.DateTimeField(null=True, help_text="when a worker first took it")
    finished_at = models.DateTimeField(null=True, help_text="when it finished, failed or was cancelled")
    error = models.TextField(blank=True, help_text="why it failed")
    worker = models.CharField(
        max_length=255, blank=True, help_text="the worker that holds or last held the lease"
    )
    lease_expires_at = models.DateTimeField(null=True, help_text="until when `worker` holds it")
    version = models.PositiveBigIntegerField(
        default=0, help_text="claims and portions so far: names the lease"
    )
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="workers that ended in the present portion"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="operation_state"),
        ]
        indexes: ClassVar = [
            # It holds open rows only, so a look for work costs nothing beside a long log.
            models.Index(fields=["id"], name="operation_open", condition=OPEN),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def processed(self) -> int:
        """Items that were done or could not be."""
        return self.done + self.failed


class Change(models.Model):
    """One change of an operation's state: the story of the operation."""

    operation = models.ForeignKey(Operation, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices)
    by = models.CharField(max_length=255, help_text="an account, or a worker")

    def __str__(self) -> str:
        return f"{self.operation_id} {self.state} by {self.by}"


class Replay(models.Model):
    """One replay of one delivery: who asked for it, and when it was made due."""

    # Written for each replayed delivery, so foreign key checks of both would be wasted.
    delivery = models.ForeignKey(
        "receiver.Delivery", models.CASCADE, related_name="replays", db_constraint=False, db_index=False
    )
    operation = models.ForeignKey(
        Operation,
        models.CASCADE,
        null=True,
        related_name="replays",
        db_constraint=False,
        db_index=False,
        help_text="null for a replay in the foreground",
    )
    by = models.CharField(max_length=255, help_text="an account, or user and host of a command")
    at = models.DateTimeField(db_default=Now(), help_text="when the delivery was made due")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["delivery", "id"], name="replay_delivery"),
            models.Index(fields=["operation", "delivery"], name="replay_operation"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} replayed by {self.by}"


class Grain(models.TextChoices):
    """The length of time that one aggregate covers. Days and hours are those of UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class Dimension(models.TextChoices):
    """The ways to divide aggregates."""

    EVENT = "event"
    REPOSITORY = "repository"


class Aggregate(models.Model):
    """Deliveries that came and were settled within one minute, hour or day. See `ledger.aggregates`."""

    grain = models.CharField(max_length=6, choices=Grain.choices)
    dimension = models.CharField(max_length=10, choices=Dimension.choices)
    begin = models.DateTimeField()
    name = models.CharField(max_length=255, help_text="the event, or the repository's full name")
    received = models.PositiveBigIntegerField(default=0)
    succeeded = models.PositiveBigIntegerField(default=0)
    ignored = models.PositiveBigIntegerField(default=0)
    invalid = models.PositiveBigIntegerField(default=0)
    dead = models.PositiveBigIntegerField(default=0)
    latencies = models.JSONField(
        default=dict, help_text="deliveries by the range of seconds from receipt to settlement"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["grain", "dimension", "begin", "name"], name="aggregate_key"),
        ]

    def __str__(self) -> str:
        return f"{self.grain} {self.begin} {self.name}"


class AggregatedUntil(models.Model):
    """The time up to which everything is aggregated: one row, whose lock admits one worker at a time."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.at)
