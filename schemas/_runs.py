"""The parts that workflow runs, jobs, check runs and check suites share."""

from schemas._base import BigInt, Sha, Snapshot


class Run(Snapshot):
    """The snapshot of a run on a commit. It has no branch if its fork was deleted.

    `status` and `conclusion` are open sets.
    """

    id: BigInt
    head_branch: str | None = None
    head_sha: Sha | None = None
    status: str | None = None
    conclusion: str | None = None
