"""`pull_request_review`: a review of a pull request was submitted, edited or dismissed."""

from schemas import Actor, BigInt, Edits, Event, Repository, Sha, Snapshot, Timestamp


class Review(Snapshot):
    """The snapshot of a review. Older servers do not send `updated_at`."""

    id: BigInt
    user: Actor | None = None
    state: str | None = None
    body: str | None = None
    commit_id: Sha | None = None
    submitted_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class ReviewedPullRequest(Snapshot):
    """The pull request; every review updates it."""

    number: BigInt
    updated_at: Timestamp | None = None


class PullRequestReviewEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request_review."""

    foreign = frozenset({"comment", "thread"})

    action: str
    review: Review
    pull_request: ReviewedPullRequest
    changes: Edits | None = None
    repository: Repository
