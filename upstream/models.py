"""The tables of recovery: hooks, missed deliveries, and when GitHub may be asked again."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models

MAX_ASKS = 3
# GitHub keeps deliveries for three days; a GHES for seven:
# https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
_RETENTION = timedelta(days=3)
_RETENTION_OF_SERVERS = timedelta(days=7)


def retention() -> timedelta:
    """Return how long the server of `GITHUB_API_URL` keeps deliveries."""
    on_github = settings.GITHUB_API_URL.endswith(("//api.github.com", ".ghe.com"))
    return _RETENTION if on_github else _RETENTION_OF_SERVERS


class HookKind(models.TextChoices):
    """The owners of hooks; GitHub has no API for the deliveries of other hooks."""

    REPOSITORY = "repository"
    ORGANIZATION = "organization"
    APP = "app"
    OTHER = "other"


class WatchedHook(models.Model):
    """A hook that delivered something here, and the results of comparing it with GitHub."""

    hook_id = models.BigIntegerField(unique=True, help_text="X-GitHub-Hook-ID")
    kind = models.CharField(max_length=12, choices=HookKind.choices)
    name = models.CharField(
        max_length=255, blank=True, help_text="owner/name, login, or App id that it belongs to"
    )
    source = models.CharField(max_length=64, blank=True, help_text="of its newest delivery here")
    last_delivery = models.BigIntegerField(default=0, help_text="id of its newest delivery here")
    last_received_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="end of the last complete look")
    complete_until = models.DateTimeField(
        null=True, help_text="all that GitHub delivered up to this time was compared; GitHub's clock"
    )
    unknown_from = models.DateTimeField(
        null=True, help_text="GitHub had forgotten what it delivered from here until `unknown_until`"
    )
    unknown_until = models.DateTimeField(null=True)
    etag = models.CharField(max_length=255, blank=True, help_text="of the newest page of its deliveries")
    error = models.TextField(blank=True, help_text="why the last look failed")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=HookKind.values), name="watchedhook_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} hook {self.hook_id}"

    @property
    def path(self) -> str:
        """The path of the hook in the API."""
        if self.kind == HookKind.APP:
            return "/app/hook"
        prefix = "/repos" if self.kind == HookKind.REPOSITORY else "/orgs"
        return f"{prefix}/{self.name}/hooks/{self.hook_id}"


class MissedState(models.TextChoices):
    """The states of a missed delivery. A lost one that arrives after all is `arrived`."""

    FOUND = "found"
    ASKED = "asked"
    ARRIVED = "arrived"
    LOST = "lost"


# SQLite uses a partial index for this condition and not for `state IN (...)`.
OPEN = models.Q(state=MissedState.FOUND) | models.Q(state=MissedState.ASKED)


class Missed(models.Model):
    """A delivery that GitHub lists and that the ledger did not have."""

    watched = models.ForeignKey(WatchedHook, models.CASCADE, related_name="missed")
    guid = models.UUIDField()
    hook_id = models.BigIntegerField(help_text="X-GitHub-Hook-ID; for an App it comes from the detail")
    attempt = models.BigIntegerField(help_text="GitHub's id of the newest attempt, which exceeds 2^53")
    event = models.CharField(max_length=64)
    action = models.CharField(max_length=255, blank=True)
    delivered_at = models.DateTimeField(help_text="GitHub's time of the newest attempt")
    outcome = models.CharField(max_length=255, blank=True, help_text="what GitHub says about that attempt")
    state = models.CharField(max_length=8, choices=MissedState.choices, default=MissedState.FOUND)
    asks = models.PositiveSmallIntegerField(default=0, help_text="requests to deliver it again")
    found_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, help_text="why it is lost or was refused, or how it arrived")

    class Meta:
        verbose_name_plural = "missed"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["guid", "hook_id"], name="missed_key"),
            models.CheckConstraint(condition=models.Q(state__in=MissedState.values), name="missed_state"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["watched", "asks", "delivered_at"], name="missed_open", condition=OPEN),
            models.Index(fields=["watched", "state", "delivered_at"], name="missed_state_of_hook"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.guid} {self.state}"


class Pause(models.Model):
    """A time before which no worker sends: the limit of a credential, or the pace of requests to deliver."""

    name = models.CharField(max_length=64, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.until}"
