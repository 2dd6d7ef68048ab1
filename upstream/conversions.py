"""Converts objects of GitHub's API to the snapshots that payloads of webhooks hold. Pure.

The writers and rules of the records are those of the deliveries. Each function names the differences between
the object and the part of a payload; all other fields are the same, and are read with the same tolerance.
Each raises `pydantic.ValidationError` for an object that a payload could not hold either.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import schemas
from schemas.issues import Issue
from schemas.pull_request import PullRequest
from schemas.push import PushedCommit
from schemas.release import Release
from schemas.workflow_run import WorkflowRun

Item = Mapping[str, Any]
Part = TypeVar("Part", bound=schemas.Snapshot)


def repository(item: Item) -> schemas.PushedRepository:
    """Convert without differences. https://docs.github.com/rest/repos/repos#get-a-repository."""
    return _parsed(schemas.PushedRepository, item)


def issue(item: Item) -> Issue | None:
    """Convert an issue; None for a pull request, which the list of issues contains too.

    A label may be a text.

    https://docs.github.com/rest/issues/issues#list-repository-issues
    """
    if item.get("pull_request") is not None:
        return None
    labels = item.get("labels")
    if not isinstance(labels, list):
        return _parsed(Issue, item)
    named = [{"name": label} if isinstance(label, str) else label for label in labels]
    return _parsed(Issue, {**item, "labels": named})


def pull_request(item: Item) -> PullRequest:
    """Convert a pull request. Only `merged_at` says that it was merged.

    https://docs.github.com/rest/pulls/pulls#list-pull-requests
    """
    return _parsed(PullRequest, item)


def release(item: Item) -> Release:
    """Convert without differences. https://docs.github.com/rest/releases/releases#list-releases."""
    return _parsed(Release, item)


def workflow_run(item: Item) -> WorkflowRun:
    """Convert without differences.

    https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository
    """
    return _parsed(WorkflowRun, item)


def commit(item: Item) -> PushedCommit:
    """Convert a commit, whose git part is nested and whose id is `sha`. Its time is the committer's.

    https://docs.github.com/rest/commits/commits#list-commits
    """
    git = _part(item, "commit")
    return _parsed(
        PushedCommit,
        {
            "id": item.get("sha"),
            "message": git.get("message"),
            "author": git.get("author"),
            "timestamp": _part(git, "committer").get("date"),
        },
    )


def ref(item: Item) -> tuple[str, str]:
    """Return the whole name, and the hash that a push has as `after`: of a tag object, if it is one.

    https://docs.github.com/rest/git/refs#list-matching-references
    """
    read = _parsed(_Ref, {"ref": item.get("ref"), "sha": _part(item, "object").get("sha")})
    return read.ref, read.sha


class _Ref(schemas.Snapshot):
    ref: schemas.RefName
    sha: schemas.Sha


def _part(item: Item, name: str) -> Item:
    found = item.get(name)
    return found if isinstance(found, dict) else {}


def _parsed(model: type[Part], item: Item) -> Part:
    # As bytes, so that the rules about text that no database stores, and about invalid parts, apply.
    return schemas.parse(model, json.dumps(item).encode())
