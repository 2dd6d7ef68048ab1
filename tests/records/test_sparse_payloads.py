"""A payload with the key of its record alone is recorded: no other part is necessary."""

from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import isolate_apps
from pydantic import BaseModel

from dev.reference import recorded
from handlers import registry
from records.merging import Snapshot
from records.snapshots import Snapshots
from tests.handlers.context import events, handle
from tests.schemas.test_tolerance import parts

SHA = "a" * 40
COMMENT = {"comment": {"id": 9}}
ISSUE, PULL = {"issue": {"number": 3}}, {"pull_request": {"number": 3}}
STARRED = {"action": "created", "starred_at": None, "sender": {"id": 9}}
RENAMED = {"changes": {"login": {"from": "old"}}}

# The event, its payload beside the repository, and the record with some of its fields.
SPARSE: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("check_run", {"action": "completed", "check_run": {"id": 9}}, "CheckRun", {"github_id": 9}),
    ("check_suite", {"action": "completed", "check_suite": {"id": 9}}, "CheckSuite", {"github_id": 9}),
    ("commit_comment", {"action": "created", **COMMENT}, "CommitComment", {"github_id": 9}),
    ("create", {"ref": "a", "ref_type": "tag", "master_branch": None}, "RefChange", {"change": "created"}),
    ("delete", {"ref": "a", "ref_type": "tag"}, "RefChange", {"change": "deleted"}),
    ("deployment", {"deployment": {"id": 9}}, "Deployment", {"github_id": 9, "state": ""}),
    ("deployment_status", {"deployment": {"id": 9}, "deployment_status": {"id": 8}}, "DeploymentStatus",
     {"github_id": 8, "deployment_id": 9}),
    ("discussion", {"action": "closed", "discussion": {"number": 3}}, "Discussion", {"state": "closed"}),
    ("discussion_comment", {"action": "created", "discussion": {"number": 3}, **COMMENT}, "DiscussionComment",
     {"github_id": 9}),
    ("fork", {"forkee": {"id": 9}}, "Fork", {"github_id": 9}),
    ("installation", {"action": "created", "installation": {"id": 9}, "repositories": []}, "Installation",
     {"github_id": 9}),
    ("installation", {"action": "deleted", "installation": {"id": 9, "account": {"login": "ada"}}},
     "Installation", {"account": "ada", "deleted": True}),
    ("installation_repositories", {"action": "added", "installation": {"id": 9},
                                   "repositories_added": [{"id": 8}]},
     "InstallationRepository", {"removed": False}),
    ("installation_repositories", {"action": "removed", "installation": {"id": 9},
                                   "repositories_removed": [{"id": 8}]},
     "InstallationRepository", {"removed": True}),
    ("installation_target", {"action": "renamed", "account": {"login": "new"}, **RENAMED}, "AccountRename",
     {"former_login": "old", "login": "new"}),
    ("issue_comment", {"action": "deleted", **ISSUE, **COMMENT}, "IssueComment", {"deleted": True}),
    ("issues", {"action": "opened", **ISSUE}, "Issue", {"number": 3, "state": "open", "updated_at": None}),
    ("issues", {"action": "closed", **ISSUE}, "Issue", {"number": 3, "state": "closed"}),
    ("label", {"action": "created", "label": {"id": 9}}, "Label", {"github_id": 9}),
    ("member", {"action": "added", "member": {"id": 9}}, "Collaborator", {"user_id": 9}),
    ("merge_group", {"action": "destroyed", "merge_group": {"head_sha": SHA}}, "MergeGroup",
     {"destroyed": True}),
    ("meta", {"action": "deleted", "hook_id": 9}, "Hook", {"hook_id": 9, "deleted": True}),
    ("milestone", {"action": "closed", "milestone": {"number": 3}}, "Milestone", {"state": "closed"}),
    ("organization", {"action": "deleted", "organization": {"id": 9}}, "Organization", {"deleted": True}),
    ("organization", {"action": "renamed", "organization": {"login": "new"}, **RENAMED}, "AccountRename",
     {"former_login": "old", "login": "new"}),
    ("ping", {"hook_id": 9}, "Hook", {"hook_id": 9, "deleted": False}),
    ("ping", {"hook": {"id": 9}}, "Hook", {"hook_id": 9}),
    ("public", {}, "Repository", {"github_id": 7}),
    ("pull_request", {"action": "opened", **PULL}, "PullRequest", {"state": "open", "updated_at": None}),
    ("pull_request", {"action": "closed", **PULL}, "PullRequest", {"number": 3, "state": "closed"}),
    ("pull_request_review", {"action": "submitted", "review": {"id": 9}, **PULL}, "PullRequestReview",
     {"github_id": 9, "number": 3}),
    ("pull_request_review_comment", {"action": "created", **PULL, **COMMENT}, "ReviewComment",
     {"github_id": 9, "number": 3}),
    ("pull_request_review_thread", {"action": "resolved", "thread": {"comments": [{"id": 9}]}, **PULL},
     "ReviewThread", {"github_id": 9, "resolved": True}),
    ("push", {"ref": "refs/heads/main", "before": "0" * 40, "after": SHA}, "Ref", {"head_sha": SHA}),
    ("release", {"action": "published", "release": {"id": 9}}, "Release", {"github_id": 9}),
    ("repository", {"action": "deleted"}, "Repository", {"github_id": 7, "deleted": True}),
    ("star", STARRED, "Star", {"user_id": 9, "removed": False}),
    ("status", {"id": 9, "sha": SHA}, "CommitStatus", {"github_id": 9, "sha": SHA}),
    ("workflow_job", {"action": "queued", "workflow_job": {"id": 9}}, "WorkflowJob", {"run_id": None}),
    ("workflow_run", {"action": "completed", "workflow_run": {"id": 9}}, "WorkflowRun", {"run_attempt": 1}),
]  # fmt: skip
WITHOUT_REPOSITORY = {
    "installation", "installation_repositories", "installation_target", "meta", "organization", "ping",
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("event", "parts_", "model", "fields"), SPARSE)
async def test_a_payload_with_nothing_but_its_key_is_recorded(
    event: str, parts_: dict[str, Any], model: str, fields: dict[str, Any]
) -> None:
    repository = {} if event in WITHOUT_REPOSITORY else {"repository": {"id": 7, "full_name": "a/b"}}
    await handle(event, {**parts_, **repository})
    row = await apps.get_model("records", model)._default_manager.aget()
    assert {name: getattr(row, name) for name in fields} == fields


@pytest.mark.django_db(transaction=True)
@isolate_apps("records")
def test_an_absent_field_has_the_default_that_django_or_the_database_gives_a_row() -> None:
    class Added(models.Model):  # noqa: DJ008 - nobody sees its rows
        number = models.BigIntegerField(unique=True)
        severity = models.TextField(db_default="unknown")
        key = models.UUIDField(default=uuid4)
        updated_at = models.DateTimeField(null=True)

        class Meta:
            app_label = "records"

    with connection.schema_editor() as editor:
        editor.create_model(Added)
    try:
        snapshots = Snapshots(Added, ("number",))
        rows = [row for number in (3, 4) for row, _ in snapshots.write([((number,), Snapshot({}))])]
        stored = Added._default_manager.order_by("number").values_list("severity", "key")
        assert list(stored) == [("unknown", row["key"]) for row in rows]
        assert rows[0]["key"] != rows[1]["key"]
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Added)


def test_every_event_with_a_record_has_a_sparse_payload() -> None:
    recording = {event for event, listed in registry.handlers.items() if recorded.written(listed)}
    assert {event for event, *_ in SPARSE} == recording


def leaves(part: dict[str, Any], path: str = "") -> set[str]:
    """Return the paths of the values in a payload; an item of a list has the path of the list."""
    found = set()
    for name, value in part.items():
        inner = value[0] if isinstance(value, list) and value else value
        found |= {path + name} | (leaves(inner, f"{path}{name}.") if isinstance(inner, dict) else set())
    return found


def required(model: type[BaseModel], path: str = "") -> set[str]:
    """Return the paths of the fields that a payload must have."""
    found = set()
    for name, field in model.model_fields.items():
        if field.is_required():
            here = path + (field.alias or name)
            found |= {here}.union(*(required(part, f"{here}.") for part in parts(field.annotation)))
    return found


@pytest.mark.parametrize("name", sorted({event for event, *_ in SPARSE}))
def test_nothing_else_is_required(name: str) -> None:
    sparse = [leaves(payload) for event, payload, *_ in SPARSE if event == name]
    shared = {"action", "repository", "repository.id"}
    assert required(events[name]) <= set.intersection(*sparse) | shared
