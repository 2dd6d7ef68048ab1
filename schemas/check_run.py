"""`check_run`: a check of a commit by an app was created, completed or requested again."""

from schemas import Event, Repository, Snapshot, Timestamp
from schemas._runs import Run


class CheckSuite(Snapshot):
    """The app's checks of one push; those of a fork have no branch."""

    head_branch: str | None = None
    updated_at: Timestamp | None = None
    """From GitHub's clock, unlike the times of the check run."""


class App(Snapshot):
    """The GitHub App that runs the check."""

    slug: str | None = None
    name: str | None = None


class CheckRun(Run):
    """The snapshot of a check run. Its only times are those of its start and end."""

    name: str | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    check_suite: CheckSuite | None = None
    app: App | None = None


class CheckRunEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#check_run."""

    foreign = frozenset({"deployment", "deployment_status"})

    action: str
    check_run: CheckRun
    repository: Repository
