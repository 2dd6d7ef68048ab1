"""`pull_request_review_thread`: comments on a line of a pull request were resolved, or are open again."""

from schemas import BigInt, Event, Items, Repository, Snapshot, Timestamp
from schemas.pull_request_review import ReviewedPullRequest


class ThreadComment(Snapshot):
    """A comment of the thread; all but the one that began it are replies to that."""

    id: BigInt
    in_reply_to_id: BigInt | None = None
    path: str | None = None
    line: BigInt | None = None


class Thread(Snapshot):
    """The snapshot of a thread. It has no number of its own."""

    comments: Items[ThreadComment | None]


class PullRequestReviewThreadEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request_review_thread."""

    action: str
    thread: Thread
    pull_request: ReviewedPullRequest
    updated_at: Timestamp | None = None
    repository: Repository
