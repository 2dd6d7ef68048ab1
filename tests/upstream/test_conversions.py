"""Objects of GitHub's API, as GitHub's schema describes them, become the snapshots that payloads hold."""

from datetime import UTC, datetime
from typing import Any

import pytest
from githubkit_schemas.latest import models
from pydantic import BaseModel, ValidationError

from tests import fake_github
from tests.fake_github.repository import ADA, SHA, Repository
from upstream import conversions

AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def repository() -> Repository:
    return Repository(fake_github.Github(), pushed_at=AT)


def published(model: type[BaseModel], item: dict[str, Any]) -> dict[str, Any]:
    """Return the item; raise unless it is as GitHub's schema describes it."""
    model.model_validate(item)
    return item


def test_a_repository_has_its_links_and_the_time_of_its_last_push(repository: Repository) -> None:
    read = conversions.repository(published(models.FullRepository, repository.as_json()))
    assert (read.id, read.full_name, read.default_branch) == (1296269, "octo/cat", "main")
    assert (read.pushed_at, read.html_url) == (AT, "https://github.com/octo/cat")


def test_labels_of_an_issue_may_be_texts_or_objects(repository: Repository) -> None:
    item = published(models.Issue, repository.issue(1, AT, labels=["bug", {"name": "sea", "color": "fff"}]))
    read = conversions.issue(item)
    assert read is not None
    assert [label.name for label in read.labels or () if label] == ["bug", "sea"]
    assert (read.number, read.state, read.updated_at) == (1, "open", AT)
    assert read.user is not None
    assert read.user.login == ADA["login"]


def test_a_pull_request_in_the_list_of_issues_is_none(repository: Repository) -> None:
    repository.pull(2, AT)
    assert conversions.issue(published(models.Issue, repository.issues[2])) is None


@pytest.mark.parametrize("merged_at", [None, "2026-11-01T07:00:00Z"])
def test_a_listed_pull_request_is_merged_if_it_has_the_time_of_it(
    repository: Repository, merged_at: str | None
) -> None:
    item = repository.pull(2, AT, state="closed", merged_at=merged_at, user=None)
    read = conversions.pull_request(published(models.PullRequestSimple, item))
    assert (read.merged_at is not None) == (merged_at is not None)
    assert read.head
    assert read.base
    assert (read.head.ref, read.head.repo, read.base.ref, read.user) == ("topic", None, "main", None)


def test_a_release_has_its_times(repository: Repository) -> None:
    read = conversions.release(published(models.Release, repository.release(3, AT, draft=True)))
    assert (read.id, read.tag_name, read.draft, read.updated_at) == (3, "v3", True, AT)


def test_a_run_has_its_attempt_and_its_actor(repository: Repository) -> None:
    read = conversions.workflow_run(published(models.WorkflowRun, repository.run(4, AT, run_attempt=2)))
    assert (read.id, read.run_attempt, read.status, read.conclusion) == (4, 2, "completed", "success")
    assert read.actor is not None


def test_what_git_has_of_a_commit_is_nested(repository: Repository) -> None:
    read = conversions.commit(published(models.Commit, repository.commit("a" * 40, "Mend \0 it", AT)))
    assert (read.id, read.timestamp) == ("a" * 40, AT)
    assert read.message == "Mend \\u0000 it", "as in a push: no database stores a NUL"
    assert read.author is not None
    assert read.author.email == "ada@example.com"


def test_a_commit_without_an_author_or_with_a_time_beyond_the_calendar_is_kept(
    repository: Repository,
) -> None:
    item = repository.commit("b" * 40)
    item["commit"] = {"message": "x", "author": None, "committer": {"date": "292278994-08-17T07:12:55Z"}}
    read = conversions.commit(item)
    assert (read.author, read.timestamp) == (None, None)


def test_an_annotated_tag_has_the_hash_of_its_object_as_a_push_has(repository: Repository) -> None:
    repository.refs = {"refs/tags/v1": SHA}
    [item] = repository.listed("refs/tags/")
    assert item["object"]["type"] == "tag"
    assert conversions.ref(published(models.GitRef, item)) == ("refs/tags/v1", SHA)


@pytest.mark.parametrize(
    "convert",
    [conversions.repository, conversions.pull_request, conversions.release, conversions.workflow_run,
     conversions.issue, conversions.commit, conversions.ref],
)  # fmt: skip
@pytest.mark.parametrize("item", [{}, {"object": 1, "commit": [], "labels": 7, "number": "x", "id": -1}])
def test_an_object_that_no_payload_could_hold_is_refused(convert: Any, item: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        convert(item)
