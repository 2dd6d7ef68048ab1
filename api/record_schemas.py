"""The records as the API shows them. A field's name is its column's."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas import Id, Model

# Names of classes are names in the schema, so both of the records' `State` cannot be used.
PullState = Literal["open", "closed", "merged"]
IssueState = Literal["open", "closed"]


class Record(Model):
    """The fields of every record of a repository."""

    id: Id
    repository_id: Id = Field(description="its id in this API")
    repository: str = Field(validation_alias="repository__full_name", examples=["octo/cat"])


class Pull(Record):
    """A pull request."""

    number: int
    title: str
    state: PullState
    draft: bool
    locked: bool
    author: str = Field(description="login; empty when the account is gone")
    head_repository: str
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    merge_commit_sha: str
    merged_at: datetime | None
    closed_at: datetime | None
    labels: list[str]
    assignees: list[str]
    requested_reviewers: list[str]
    requested_teams: list[str]
    milestone: str
    updated_at: datetime | None


class Issue(Record):
    """An issue."""

    number: int
    title: str
    state: IssueState
    state_reason: str
    author: str = Field(description="login; empty when the account is gone")
    locked: bool
    labels: list[str]
    assignees: list[str]
    milestone: str
    pinned: bool
    closed_at: datetime | None
    deleted: bool = Field(description="gone from this repository")
    transferred_to: str
    updated_at: datetime | None


class Commit(Record):
    """A commit."""

    sha: str
    message: str
    author_name: str
    author_email: str
    committed_at: datetime | None


class Push(Record):
    """A move of a branch or tag."""

    ref: str = Field(examples=["refs/heads/main"])
    before: str
    after: str
    forced: bool
    created: bool
    deleted: bool
    truncated: bool = Field(description="it may have more commits than GitHub sent")
    head_commit_sha: str
    pusher: str
    pushed_at: datetime


class Ref(Record):
    """A branch or a tag."""

    name: str = Field(examples=["refs/heads/main"])
    head_sha: str
    previous_sha: str
    deleted: bool
    pushed_at: datetime


class Release(Record):
    """A release."""

    github_id: Id
    tag_name: str
    target: str
    name: str
    body: str
    author: str
    draft: bool
    prerelease: bool
    withdrawn: bool
    deleted: bool
    created_at: datetime | None
    published_at: datetime | None
    updated_at: datetime | None


class WorkflowRun(Record):
    """One attempt of a workflow's run."""

    github_id: Id
    run_attempt: int
    run_number: int | None
    name: str
    event: str
    actor: str
    head_branch: str
    head_sha: str
    status: str
    conclusion: str
    started_at: datetime | None
    updated_at: datetime | None
