"""A part that neither the key nor the order of a record needs costs itself, not the record."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps

from tests import emptying, github
from tests.handlers.context import handle

# What a schema reads is no matter of the database; sparse payloads run on both.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

Row = dict[str, Any]


async def rows() -> dict[str, list[Row]]:
    """Return the rows of all records, without their primary keys, and delete them."""
    found = {}
    for model in apps.get_app_config("records").get_models():
        own = {"id", "moves", *(field.attname for field in model._meta.concrete_fields if field.is_relation)}
        listed = [row async for row in model._default_manager.order_by("pk").values()]
        found[model.__name__] = [{name: row[name] for name in row.keys() - own} for row in listed]
    await sync_to_async(emptying.empty)()
    return found


def differences(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> Iterator[str]:
    for model, listed in before.items():
        assert len(listed) == len(after[model]), model
        for one, other in zip(listed, after[model], strict=True):
            yield from (f"{model}.{name}" for name in one if one[name] != other[name])


@pytest.mark.parametrize(
    ("case", "path", "costs"),
    [
        ("check_run__completed", "check_run.name", {"CheckRun.name"}),
        ("check_run__completed", "check_run.head_sha", {"CheckRun.head_sha"}),
        ("issues__opened", "issue.title", {"Issue.title"}),
        ("issues__opened", "repository.full_name", {"Repository.full_name"}),
        ("pull_request__opened", "pull_request.head", {"PullRequest.head_ref", "PullRequest.head_sha",
                                                       "PullRequest.head_repository"}),
        ("pull_request__opened", "pull_request.base.sha", {"PullRequest.base_sha"}),
        ("pull_request__opened", "pull_request.merged", set()),
        ("label__created", "label.name", {"Label.name"}),
        ("milestone__created", "milestone.title", {"Milestone.title"}),
        ("member__added", "member.login", {"Collaborator.login"}),
        ("organization__member_added", "membership.user.login", {"OrganizationMember.login"}),
        ("star__created", "sender.login", {"Star.login"}),
        ("status__success", "context", {"CommitStatus.context"}),
        ("workflow_job__queued", "workflow_job.name", {"WorkflowJob.name"}),
        ("ping__repository", "hook.active", set()),
        ("ping__repository", "zen", set()),
        ("push__branch", "commits", {"Commit", "PushCommit"}),
    ],
)  # fmt: skip
async def test_the_other_fields_are_as_without_it(case: str, path: str, costs: set[str]) -> None:
    event = case.partition("__")[0]
    await handle(event, github.payload(case))
    whole = await rows()
    payload = place = github.payload(case)
    *steps, last = path.split(".")
    for step in steps:
        place = place[step]
    place[last] = {"odd": []}
    await handle(event, payload)
    found = await rows()
    for model in costs & whole.keys():  # a part that is a list of rows
        assert (bool(whole.pop(model)), found.pop(model)) == (True, [])
    assert set(differences(whole, found)) == {cost for cost in costs if "." in cost}
