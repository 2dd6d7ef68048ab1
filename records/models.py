"""Re-export every record, so that Django finds them and callers import them from one place.

Each kind has a file of its own, with its model and its writer. Every `record` is idempotent on a natural key:
a delivery that runs twice, or arrives under two guids, leaves the same rows. Check and write are one
transaction. A foreign key that begins a unique constraint has no index of its own: the constraint's index
serves, and one more costs a push of many commits half of its time.
"""

from records.account_renames import AccountRename
from records.check_runs import CheckRun
from records.commits import Commit
from records.hooks import Hook
from records.issue_comments import IssueComment
from records.issues import Issue
from records.pull_requests import PullRequest
from records.pushes import Push, PushCommit
from records.ref_changes import RefChange
from records.refs import Ref
from records.releases import Release
from records.repositories import Repository
from records.reviews import PullRequestReview
from records.workflow_runs import WorkflowRun

__all__ = [
    "AccountRename",
    "CheckRun",
    "Commit",
    "Hook",
    "Issue",
    "IssueComment",
    "PullRequest",
    "PullRequestReview",
    "Push",
    "PushCommit",
    "Ref",
    "RefChange",
    "Release",
    "Repository",
    "WorkflowRun",
]
