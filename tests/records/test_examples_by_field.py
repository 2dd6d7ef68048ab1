"""GitHub's published examples become rows that equal the payload, by a table of fields and paths."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from records.models import (
    CheckSuite,
    CommitComment,
    CommitStatus,
    Deployment,
    DeploymentStatus,
    Discussion,
    DiscussionComment,
    Fork,
    Installation,
    Label,
    MergeGroup,
    Milestone,
    Organization,
    ReviewComment,
    Star,
    WorkflowJob,
)
from tests import github
from tests.handlers.orders import end_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not github.OCTOKIT.exists(), reason="GitHub's examples do not lie beside the checkout"
    ),
]

RUN = "github_id=id head_branch head_sha status conclusion"
COMMENT = "github_id=id author=user.login body created_at updated_at"
POST = "github_id=id state description target_url created_at updated_at"

# The part of the payload, and the fields of the row, each with its path in that part if the names differ.
TABLE: dict[str, tuple[type[models.Model], str, str]] = {
    "check_suite": (CheckSuite, "check_suite", f"{RUN} created_at updated_at"),
    "workflow_job": (
        WorkflowJob, "workflow_job", (f"{RUN} run_id name workflow=workflow_name runner=runner_name labels "
        "started_at completed_at"),
    ),
    "status": (CommitStatus, "", f"{POST} sha context creator=sender.login"),
    "deployment": (
        Deployment, "deployment", ("github_id=id sha ref task environment description creator=creator.login "
        "created_at updated_at"),
    ),
    "deployment_status": (DeploymentStatus, "deployment_status", f"{POST} creator=creator.login"),
    "commit_comment": (CommitComment, "comment", f"{COMMENT} commit_sha=commit_id path line"),
    "pull_request_review_comment": (
        ReviewComment, "comment",
        f"{COMMENT} review_id=pull_request_review_id commit_sha=commit_id path line",
    ),
    "discussion": (
        Discussion, "discussion", ("number title state category=category.name author=user.login locked "
        "answered_at=answer_chosen_at answer_chosen_by=answer_chosen_by.login created_at updated_at"),
    ),
    "discussion_comment": (DiscussionComment, "comment", f"{COMMENT} in_reply_to=parent_id"),
    "label": (Label, "label", "github_id=id name color description default"),
    "milestone": (
        Milestone, "milestone", ("number title description state creator=creator.login due_on created_at "
        "closed_at updated_at"),
    ),
    "fork": (Fork, "forkee", "github_id=id full_name private updated_at=created_at"),
    "star": (Star, "", "user_id=sender.id login=sender.login starred_at updated_at=repository.updated_at"),
    "merge_group": (MergeGroup, "merge_group", "head_sha head_ref base_sha base_ref"),
    "installation": (
        Installation, "installation", ("github_id=id account=account.login target_type app_id app=app_slug "
        "repository_selection permissions events created_at updated_at suspended_at"),
    ),
    "installation_repositories": (Installation, "installation", "github_id=id account=account.login app_id"),
    "organization": (Organization, "organization", "github_id=id login"),
}  # fmt: skip


def at(part: Any, path: str) -> Any:
    for step in filter(None, path.split(".")):
        part = part.get(step) if isinstance(part, dict) else None
    return part


def is_equal(found: Any, told: Any) -> bool:
    if isinstance(found, datetime):
        moment = datetime.fromtimestamp(told, UTC) if isinstance(told, int) else datetime.fromisoformat(told)
        return found == moment
    if told is None:  # an absent value is an empty field
        return not found
    return bool(sorted(found) == sorted(told) if isinstance(told, list) else found == told)


@pytest.mark.parametrize("event", TABLE)
async def test_every_example_of_an_event_is_recorded_field_by_field(event: str) -> None:
    model, part, fields = TABLE[event]
    examples = sorted(github.OCTOKIT.glob(f"{event}__*.json"))
    assert examples
    for example in examples:
        payload = json.loads(example.read_text())
        row = await end_of(model, [(event, json.loads(example.read_text()))])
        check(row, at(payload, part), fields, example)


def check(row: dict[str, Any], told: Any, fields: str, example: Path) -> None:
    for field in fields.split():
        name, _, path = field.partition("=")
        assert is_equal(row[name], at(told, path or name)), (example.stem, name)
