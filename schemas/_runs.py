"""The shape that runs, jobs, checks and suites of checks share."""

from schemas._base import BigInt, Sha, Snapshot


class Run(Snapshot):
    """The snapshot of what runs on a commit and ends; one on a fork that is gone has no branch.

    `status` and `conclusion` are open sets.
    """

    id: BigInt
    head_branch: str | None = None
    head_sha: Sha
    status: str | None = None
    conclusion: str | None = None
