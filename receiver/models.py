"""The ledger: all deliveries, and all runs of handlers over them.

The row is the source of truth. Redis only wakes workers; the rows decide what they may process. Rejections
and resumptions have files of their own, with their writers; all tables can be imported from here.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower, Now

from receiver.fields import CompressedField, HeadersField
from receiver.rejections import Reason, Rejection, RejectionCount
from receiver.resumption import Resumption

__all__ = [
    "OF_A_SOURCE",
    "OPEN",
    "REPAIRABLE",
    "SETTLED",
    "SUSPECT",
    "TERMINAL",
    "UNSUCCESSFUL",
    "WAITING",
    "Delivery",
    "DeliveryQuerySet",
    "HandlerRun",
    "Outcome",
    "Reason",
    "Rejection",
    "RejectionCount",
    "Resumption",
    "Status",
    "Trigger",
    "after",
    "digest_of",
]


class Status(models.TextChoices):
    """The state of a delivery; docs/reference/deliveries.md has the transitions."""

    RECEIVED = "received"
    PROCESSING = "processing"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    IGNORED = "ignored"
    INVALID = "invalid"
    DEAD = "dead"


TERMINAL = frozenset({Status.SUCCEEDED, Status.IGNORED, Status.INVALID, Status.DEAD})
# A redelivery by GitHub makes these due again, because it is meant to repair them.
REPAIRABLE = frozenset({Status.DEAD, Status.INVALID, Status.IGNORED})
OPEN = frozenset({Status.RECEIVED, Status.PROCESSING, Status.RETRYING})
# Settled deliveries have the time of their settlement, and no others do.
SETTLED = models.Q(finished_at__isnull=False)
# Most deliveries succeed, and have no source. Indexes of the others are small. SQLite uses them only for
# these very conditions.
UNSUCCESSFUL = SETTLED & ~models.Q(status=Status.SUCCEEDED)
OF_A_SOURCE = SETTLED & ~models.Q(source="")
# SQLite uses their partial indexes for this condition and not for `status IN (...)`.
WAITING = models.Q(status=Status.RECEIVED) | models.Q(status=Status.RETRYING)
# Their worker died while it held them. They run in isolation.
SUSPECT = WAITING & models.Q(crashes__gt=0)


class Trigger(models.TextChoices):
    """The cause of a handler run."""

    DELIVERY = "delivery"
    RETRY = "retry"
    REPLAY = "replay"
    REDELIVERY = "redelivery"
    SWEEP = "sweep"


class Outcome(models.TextChoices):
    """The result of a run: `permanent` is a failure without retry; a `skipped` handler ran for a sibling."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PERMANENT = "permanent"
    SKIPPED = "skipped"


def after(wait: timedelta) -> models.Expression:
    """Return the time of the database, which all processes share, plus `wait`."""
    return models.ExpressionWrapper(Now() + wait, output_field=models.DateTimeField())


def digest_of(body: bytes) -> bytes:
    """Return the digest of a body, which identifies it independently of the secret that signed it."""
    return hashlib.sha256(body).digest()[:16]


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Queries over deliveries."""

    def reopen(self, ids: Collection[int], trigger: Trigger) -> list[int]:
        """Make deliveries due again; return the ids of those that were.

        All handlers of a succeeded delivery run again. For any other delivery, handlers that succeeded do not
        run again. Deliveries under a lease are skipped, and those whose bodies were pruned. Call in a
        transaction.
        """
        held = models.Q(status=Status.PROCESSING, lease_expires_at__gt=Now())
        rows = self.select_for_update().order_by("guid", "hook_id", "source")
        free = rows.filter(pk__in=ids, body__isnull=False).exclude(held)
        status = dict(free.values_list("pk", "status"))
        succeeded = [pk for pk in status if status[pk] == Status.SUCCEEDED]
        runs = HandlerRun.objects.filter(superseded=False)
        # Siblings share one effect, so a replay repeats it for all of them.
        runs.filter(delivery__in=self._with_siblings(succeeded)).update(superseded=True)
        runs.filter(delivery__in=list(status)).exclude(outcome=Outcome.SUCCEEDED).update(superseded=True)
        Delivery.objects.filter(pk__in=list(status)).update(
            status=Status.RECEIVED,
            trigger=trigger,
            attempts=0,
            crashes=0,
            lease_expires_at=None,
            next_attempt_at=Now(),
            finished_at=None,
            error="",
        )
        return list(status)

    def suspects_wait(self, wait: timedelta) -> bool:
        """Return whether a suspect has been due for so long that no isolating process seems to run."""
        return self.filter(SUSPECT, next_attempt_at__lte=after(-wait)).exists()

    @staticmethod
    def _with_siblings(ids: Sequence[int]) -> list[int]:
        """Return these ids, and those of deliveries with the same source, guid, event and body."""
        name = ("source", "guid", "event", "digest")
        names = set(Delivery.objects.filter(pk__in=ids).values_list(*name))
        rows = Delivery.objects.filter(guid__in={guid for _, guid, *_ in names})
        return [pk for pk, *row in rows.values_list("pk", *name) if tuple(row) in names]


class Delivery(models.Model):
    """A delivery to one hook: one row per (source, guid, hook_id), with the exact bytes of the body.

    The same guid under another hook is another row, because GitHub sends one event to every hook that
    subscribes to it. The same guid under another source is another row, because a signature covers the body
    alone, so anyone with one source's secret can choose guid and hook. A redelivery of the same key and
    body is counted in `redeliveries`.
    """

    guid = models.UUIDField(help_text="X-GitHub-Delivery, shared by all hooks and redeliveries of an event")
    hook_id = models.BigIntegerField(help_text="X-GitHub-Hook-ID; 0 where the sender names none")
    source = models.CharField(
        max_length=64, blank=True, help_text="the part of the URL after /webhooks/github/"
    )
    secret_position = models.PositiveSmallIntegerField(
        default=0, help_text="which of the source's secrets signed it, from 0, in the order of the setting"
    )
    event = models.CharField(max_length=64, help_text="X-GitHub-Event")
    action = models.CharField(max_length=255, blank=True, help_text="of the payload, if it has one")
    repository_id = models.BigIntegerField(null=True, help_text="GitHub's numeric id")
    repository = models.CharField(max_length=255, blank=True, help_text="the full name at that time")
    sender = models.CharField(max_length=255, blank=True, help_text="login of the account that acted")
    installation_id = models.BigIntegerField(null=True, help_text="of an App, if the payload names one")
    number = models.PositiveBigIntegerField(null=True, help_text="of its pull request or issue")
    headers = HeadersField(help_text="GitHub's own headers, without signatures")
    content_type = models.CharField(max_length=255, help_text="as sent")
    body = CompressedField(null=True, help_text="the exact bytes that were signed; null once pruned")
    size = models.PositiveIntegerField(null=True, help_text="bytes of the body; null in rows of version 0.1")
    digest = models.BinaryField(
        null=True, help_text="first 16 bytes of the body's SHA-256; null in rows of version 0.1"
    )
    unsigned = models.BooleanField(
        db_default=False,
        help_text="recovered through GitHub's API: its parsed JSON, not the signed bytes",
    )
    received_at = models.DateTimeField(help_text="time of receipt, by the database's clock")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RECEIVED)
    attempts = models.PositiveIntegerField(default=0, help_text="attempts used since receipt or replay")
    claims = models.PositiveIntegerField(
        default=0, help_text="how often a worker claimed it; it names the lease"
    )
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="workers that died while they held it, since receipt or replay"
    )
    trigger = models.CharField(
        max_length=10,
        choices=Trigger.choices,
        db_default=Trigger.DELIVERY.value,
        help_text="what made it due, unless it is a retry",
    )
    ordering_key = models.CharField(  # noqa: DJ001 - null is no key, and keys are unique while in processing
        max_length=64, null=True, help_text="the repository, or its pull request or issue, that orders it"
    )
    next_attempt_at = models.DateTimeField(
        null=True, help_text="when it is due; null while it waits behind another of its ordering key"
    )
    lease_expires_at = models.DateTimeField(null=True, help_text="until when `worker` holds it")
    worker = models.CharField(
        max_length=255, blank=True, help_text="the worker that holds or last held the lease"
    )
    finished_at = models.DateTimeField(null=True, help_text="when it was settled; null while it is open")
    error = models.TextField(blank=True, help_text="why it failed, or what its schema rejects")
    redeliveries = models.PositiveIntegerField(
        default=0, help_text="how often GitHub sent it again to the same hook"
    )
    redelivered_at = models.JSONField(
        default=list, db_default=[], help_text="the times of the first redeliveries, as text in UTC"
    )
    address = models.CharField(
        max_length=64, blank=True, db_default="", help_text="of the sender, or of the proxy before it"
    )
    only_key = models.BooleanField(
        db_default=False, help_text="all but its key, digest, event, status and times was pruned"
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            # guid comes first so that the same index finds all rows of one guid.
            models.UniqueConstraint(fields=["guid", "hook_id", "source"], name="delivery_key"),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="delivery_status"),
            # At most one delivery of a guid, and of an ordering key, is in processing.
            models.UniqueConstraint(
                fields=["guid", "source"],
                condition=models.Q(status=Status.PROCESSING),
                name="delivery_processing_guid",
            ),
            models.UniqueConstraint(
                fields=["ordering_key"],
                condition=models.Q(status=Status.PROCESSING, ordering_key__isnull=False),
                name="delivery_processing_key",
            ),
        ]
        indexes: ClassVar = [
            # It holds open rows only, so it stays small in a large table. The further columns allow an
            # index-only count of a backlog.
            models.Index(
                fields=["next_attempt_at", "received_at", "id", "status", "event"],
                name="delivery_due",
                condition=WAITING,
            ),
            models.Index(
                fields=["next_attempt_at", "received_at", "id"], name="delivery_suspect", condition=SUSPECT
            ),
            models.Index(
                fields=["next_attempt_at", "id"],
                name="delivery_retrying",
                condition=models.Q(status=Status.RETRYING),
            ),
            models.Index(
                fields=["lease_expires_at"],
                name="delivery_leased",
                condition=models.Q(status=Status.PROCESSING),
            ),
            models.Index(
                fields=["ordering_key", "received_at", "id"],
                name="delivery_ordering",
                condition=models.Q(status=Status.RECEIVED, ordering_key__isnull=False),
            ),
            models.Index(
                fields=["finished_at", "status", "event"],
                name="delivery_finished",
                condition=SETTLED,
            ),
            # The filters of pages, in the order of pages. An index of settled deliveries is written once,
            # at the settlement; one of all deliveries would be written again by the insert and by each claim.
            # See docs/decisions/0036 and 0048.
            models.Index(
                fields=["received_at", "id"],
                name="delivery_open",
                condition=models.Q(finished_at__isnull=True),
            ),
            # The further columns allow an index-only count of what is in none of the small indexes.
            models.Index(
                fields=["received_at", "id", "status", "source"], name="delivery_settled", condition=SETTLED
            ),
            *(
                models.Index(fields=[column, "received_at", "id"], name=name, condition=condition)
                for column, name, condition in (
                    ("status", "delivery_unsuccessful", UNSUCCESSFUL),
                    ("event", "delivery_event", SETTLED),
                    ("action", "delivery_action", SETTLED & ~models.Q(action="")),
                    ("sender", "delivery_sender", SETTLED),
                    ("source", "delivery_of_a_source", OF_A_SOURCE),
                    ("hook_id", "delivery_hook", SETTLED),
                )
            ),
            # GitHub's names are the same in any case: see docs/decisions/0084.
            models.Index(
                Lower("repository"), "received_at", "id", name="delivery_of_repository", condition=SETTLED
            ),
            models.Index(
                "number",
                Lower("repository"),
                "received_at",
                "id",
                name="delivery_of_number",
                condition=SETTLED & models.Q(number__isnull=False),
            ),
            models.Index(
                fields=["received_at", "id"], name="delivery_error", condition=SETTLED & ~models.Q(error="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.guid}"


class HandlerRun(models.Model):
    """One run of one handler over one delivery."""

    # Only the holder of the lease writes runs, so a foreign key check for each would be wasted.
    delivery = models.ForeignKey(
        Delivery, models.CASCADE, related_name="runs", db_constraint=False, db_index=False
    )
    handler = models.CharField(max_length=255, help_text="module and function, as in push.record")
    attempt = models.PositiveIntegerField(help_text="starts at 1, and again at 1 after a replay")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    started_at = models.DateTimeField()
    duration = models.FloatField(help_text="seconds")
    error = models.TextField(blank=True, help_text="what the handler raised, with its text")
    traceback = models.TextField(blank=True, help_text="empty once it was pruned")
    superseded = models.BooleanField(
        default=False, help_text="a replay or redelivery runs this handler again"
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["delivery", "handler"], name="run_delivery_handler"),
            models.Index(fields=["handler", "delivery"], name="run_handler_delivery"),
        ]

    def __str__(self) -> str:
        return f"{self.handler} attempt {self.attempt}: {self.outcome}"
