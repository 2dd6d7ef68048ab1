"""Re-export every record, so that Django finds them and callers import them from one place.

Each kind has a file of its own, with its model and its writer. Every `record` is idempotent on a natural key:
a delivery that runs twice, or arrives under two guids, leaves the same rows. Check and write are one
transaction. A foreign key that begins a unique constraint has no own index: the constraint's index
is used, and a second one costs half of the time of a push with many commits. The records that arrive most
often have no foreign key constraints: the writer has just written what they refer to, and each check
would look up and lock it again.
"""

from records.account_renames import AccountRename
from records.check_runs import CheckRun
from records.check_suites import CheckSuite
from records.collaborators import Collaborator
from records.commit_comments import CommitComment
from records.commit_statuses import CommitStatus
from records.commits import Commit
from records.deployments import Deployment, DeploymentStatus
from records.discussion_comments import DiscussionComment
from records.discussions import Discussion
from records.forks import Fork
from records.hooks import Hook
from records.installations import Installation, InstallationRepository
from records.issue_comments import IssueComment
from records.issues import Issue
from records.labels import Label
from records.merge_groups import MergeGroup
from records.milestones import Milestone
from records.organizations import Organization, OrganizationMember
from records.pull_requests import PullRequest
from records.pushes import Push, PushCommit
from records.ref_changes import RefChange
from records.refs import Ref
from records.releases import Release
from records.repositories import Repository
from records.review_comments import ReviewComment
from records.review_threads import ReviewThread
from records.reviews import PullRequestReview
from records.stars import Star
from records.workflow_jobs import WorkflowJob
from records.workflow_runs import WorkflowRun

__all__ = [
    "AccountRename",
    "CheckRun",
    "CheckSuite",
    "Collaborator",
    "Commit",
    "CommitComment",
    "CommitStatus",
    "Deployment",
    "DeploymentStatus",
    "Discussion",
    "DiscussionComment",
    "Fork",
    "Hook",
    "Installation",
    "InstallationRepository",
    "Issue",
    "IssueComment",
    "Label",
    "MergeGroup",
    "Milestone",
    "Organization",
    "OrganizationMember",
    "PullRequest",
    "PullRequestReview",
    "Push",
    "PushCommit",
    "Ref",
    "RefChange",
    "Release",
    "Repository",
    "ReviewComment",
    "ReviewThread",
    "Star",
    "WorkflowJob",
    "WorkflowRun",
]
