"""Deployments and their statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import repositories, statuses
from records.activity import Activity
from records.merging import Decision, Row
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.deployment import DeploymentEvent
    from schemas.deployment_status import DeploymentStatusEvent


class DeploymentManager(models.Manager["Deployment"]):
    """Writes `Deployment` rows."""

    async def record(
        self, event: DeploymentEvent | DeploymentStatusEvent, server: str
    ) -> tuple[Row, Decision]:
        """Merge the snapshot of a deployment; return its row and the decision.

        The state is that of its newest status, which has the greatest id.
        """
        repository = await repositories.upsert(event.repository, server)
        deployment, post = event.deployment, getattr(event, "deployment_status", None)
        fields: dict[str, Any] = {
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task or "",
            "environment": deployment.environment,
            "description": deployment.description or "",
            "production": deployment.production_environment,
            "transient": deployment.transient_environment,
            "creator": deployment.creator.login if deployment.creator else "",
            "created_at": deployment.created_at,
            "updated_at": deployment.updated_at,
        }
        if post is not None:
            fields |= {"state": post.state, "status_id": post.id}
        return await SNAPSHOTS.record((repository, deployment.id), fields, first=post is None)


class Deployment(Activity):
    """A request to deploy a commit to an environment."""

    github_id = models.BigIntegerField()
    sha = models.CharField(max_length=64)
    ref = models.TextField(help_text="branch, tag or sha, as it was asked for")
    task = models.TextField(blank=True, help_text="deploy, unless another name was chosen")
    environment = models.TextField()
    description = models.TextField(blank=True)
    production = models.BooleanField(default=False)
    transient = models.BooleanField(default=False)
    creator = models.TextField(blank=True, help_text="login; empty when the account is gone")
    state = models.TextField(blank=True, help_text="of the newest status; empty before the first")
    status_id = models.BigIntegerField(null=True, help_text="`github_id` of the newest status")
    created_at = models.DateTimeField(null=True)

    objects: ClassVar = DeploymentManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="deployment_id")
        ]

    def __str__(self) -> str:
        return f"{self.ref} to {self.environment}"


class DeploymentStatusManager(models.Manager["DeploymentStatus"]):
    """Writes `DeploymentStatus` rows."""

    async def record(self, event: DeploymentStatusEvent, server: str) -> tuple[Row, Decision]:
        """Write a status; return its row and the decision."""
        post = event.deployment_status
        about = {
            "deployment_id": event.deployment.id,
            "environment": post.environment or event.deployment.environment,
        }
        return await statuses.record(POSTS, post, post.creator, event.repository, server, about)


class DeploymentStatus(statuses.Status):
    """A status of a deployment."""

    deployment_id = models.BigIntegerField(help_text="`github_id` of the deployment")
    environment = models.TextField()

    objects: ClassVar = DeploymentStatusManager()

    def __str__(self) -> str:
        return f"{self.environment} {self.state}"


SNAPSHOTS = Snapshots(
    Deployment,
    ("repository_id", "github_id"),
    # Many statuses may have the same second; the greatest id is the newest.
    by_watermark(side_fields={"state": "status_id"}),
)
POSTS = statuses.snapshots(DeploymentStatus)
