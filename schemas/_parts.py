"""Lists the parts of payloads that identify their event, for the events without such a part.

Most events require a part of their own. The payloads of the others share no such part, so a payload of theirs
is recognised by the absence of all parts of other events:
https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from typing import Self

from pydantic import model_validator

from schemas._base import Event, Snapshot

# Parts of one event, or of a few, at the top of a payload. A name that a further event could share, such as
# `name` of `status`, is left out where another part identifies the event.
PARTS = frozenset(
    {
        "account", "alert", "answer", "approver", "assignee", "blocked_issue", "blocked_user",
        "blocking_issue", "branch", "build", "cache_location", "check_run", "check_suite", "client_payload",
        "comment", "commit", "commits", "completed_at", "content_reference", "definition", "deployment",
        "deployment_callback_url", "deployment_status", "discussion", "environment", "exemption_request",
        "forkee", "head_commit", "hook", "hook_id", "inputs", "invitation", "issue", "key", "label",
        "location", "marketplace_purchase", "member", "membership", "merge_group", "milestone",
        "new_property_values", "number", "package", "pages", "parent_issue",
        "personal_access_token_request", "project", "project_card", "project_column", "projects_v2",
        "projects_v2_item", "projects_v2_status_update", "pull_request", "pusher", "ref", "ref_type",
        "registry_package", "release", "repositories", "repositories_added", "repositories_removed",
        "repository_advisory", "repository_ruleset", "requester", "requestor", "review", "rule",
        "secret_types", "security_advisory", "sha", "since", "sponsorship", "starred_at", "started_at",
        "status", "sub_issue", "target_type", "team", "thread", "user", "workflow", "workflow_job",
        "workflow_run", "zen",
    }
)  # fmt: skip
# Actions of events that have no part either: `watch`, `branch_protection_configuration` and
# `github_app_authorization`.
ACTIONS_OF_OTHERS = frozenset({"started", "enabled", "disabled", "revoked"})


class Installation(Snapshot):
    """The installation as most events send it: its id alone. Only events about Apps name its App."""

    account: object = None
    app_id: object = None


class PartlessEvent(Event):
    """The base of events without a part of their own."""

    installation: Installation | None = None

    @model_validator(mode="after")
    def _is_own(self) -> Self:
        if self.action in ACTIONS_OF_OTHERS:
            raise ValueError(f"no payload of {self.event} has this action: it belongs to another event")
        installation = self.installation
        if installation and (installation.account, installation.app_id) != (None, None):
            raise ValueError(f"no payload of {self.event} has a whole installation: it is of another event")
        return self
