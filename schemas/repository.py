"""`repository`: a repository was created, renamed, transferred, archived, made private or deleted."""

from typing import Annotated

from pydantic import AfterValidator, Field

from schemas import Actor, Event, Former, Repository, Snapshot


class FormerName(Snapshot):
    """The former name after a rename."""

    name: Former | None = None


class FormerAccount(Snapshot):
    """The owner before a transfer: a user or an organisation."""

    user: Actor | None = None
    organization: Actor | None = None


class FormerOwner(Snapshot):
    """The former owner after a transfer."""

    from_: FormerAccount | None = Field(None, alias="from")


class Changes(Snapshot):
    """The changes of `renamed`, `transferred` and `edited`."""

    repository: FormerName | None = None
    owner: FormerOwner | None = None
    default_branch: Former | None = None


# This event has no part of its own, so it is recognised by the absence of all others' parts:
# https://docs.github.com/webhooks/webhook-events-and-payloads
OTHERS = frozenset(
    {
        "account", "alert", "answer", "assignee", "blocked_issue", "blocked_user", "blocking_issue",
        "branch", "build", "check_run", "check_suite", "client_payload", "comment", "commit", "commits",
        "definition", "deployment", "deployment_callback_url", "deployment_status", "discussion",
        "environment", "exemption_request", "forkee", "head_commit", "hook", "hook_id", "inputs",
        "invitation", "issue", "key", "label", "location", "marketplace_purchase", "member", "membership",
        "merge_group", "milestone", "new_property_values", "number", "package", "pages", "parent_issue",
        "personal_access_token_request", "project", "project_card", "project_column", "projects_v2",
        "projects_v2_item", "pull_request", "pusher", "ref", "ref_type", "registry_package", "release",
        "repositories", "repositories_added", "repositories_removed", "repository_advisory",
        "repository_ruleset", "requestor", "review", "rule", "secret_types", "security_advisory", "sha",
        "sponsorship", "starred_at", "status", "sub_issue", "target_type", "team", "thread", "user",
        "workflow", "workflow_job", "workflow_run", "zen",
    }
)  # fmt: skip
# `watch` and `branch_protection_configuration` have no part of their own, so their actions are refused.
ACTIONS_OF_OTHERS = frozenset({"started", "enabled", "disabled"})


def _own(action: str) -> str:
    if action in ACTIONS_OF_OTHERS:
        raise ValueError("no payload of repository has this action: it belongs to another event")
    return action


class RepositoryEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#repository."""

    foreign = OTHERS

    action: Annotated[str, AfterValidator(_own)]
    repository: Repository
    changes: Changes | None = None

    @property
    def previous_full_name(self) -> str | None:
        """Return the full name before a rename or a transfer, if the payload has it."""
        owner, _, name = self.repository.full_name.partition("/")
        changes = self.changes or Changes()
        if changes.repository and changes.repository.name and changes.repository.name.from_:
            return f"{owner}/{changes.repository.name.from_}"
        if changes.owner and changes.owner.from_:
            former = changes.owner.from_.user or changes.owner.from_.organization
            return f"{former.login}/{name}" if former else None
        return None
