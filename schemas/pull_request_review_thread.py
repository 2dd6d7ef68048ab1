"""`pull_request_review_thread`: a thread of comments on a line was resolved or reopened."""

from schemas import BigInt, Event, Items, Repository, Snapshot, Timestamp
from schemas.pull_request_review import ReviewedPullRequest


class ThreadComment(Snapshot):
    """A comment of the thread. All others are replies to the first."""

    id: BigInt
    in_reply_to_id: BigInt | None = None
    path: str | None = None
    line: BigInt | None = None


class Thread(Snapshot):
    """The snapshot of a thread. It has no numeric id."""

    comments: Items[ThreadComment | None] | None = None


class PullRequestReviewThreadEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request_review_thread."""

    action: str
    thread: Thread
    pull_request: ReviewedPullRequest
    updated_at: Timestamp | None = None
    repository: Repository
