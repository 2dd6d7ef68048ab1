"""`check_suite`: the checks of one app of one commit were requested, completed or requested again."""

from schemas import Event, Repository, Timestamp
from schemas._runs import Run
from schemas.check_run import App


class CheckSuite(Run):
    """The snapshot of a suite. Its times come from GitHub's clock, unlike those of its check runs."""

    app: App | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class CheckSuiteEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#check_suite."""

    foreign = frozenset({"check_run"})

    action: str
    check_suite: CheckSuite
    repository: Repository
