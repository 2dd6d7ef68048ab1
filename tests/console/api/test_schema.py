"""Requests made from the schema, sensible and senseless: no answer but what the schema says."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi import checks as _openapi_checks

from receiver.models import HandlerRun, Outcome, Rejection, RejectionCount, Status, Trigger
from records.models import Commit, Issue, PullRequest, Push, Ref, Release, Repository, WorkflowRun
from tests import servers
from tests.console.api.conftest import Programs
from tests.console.kept import kept

# What a program sends is refused by PostgreSQL in more ways than by SQLite.
pytestmark = [pytest.mark.hypothesis, pytest.mark.full("sqlite")]
assert _openapi_checks  # importing it registers the checks
# Each check of schemathesis says what an answer must not do; two ask for what this API does on purpose not.
SKIPPED = {
    # Valid by the schema, and still refused: a filter that excludes another, a date before the year 1.
    "positive_data_acceptance",
}
SPARSE = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@pytest.fixture
def stored() -> None:
    """A little of everything that the API shows."""
    now = timezone.now()
    for status in (Status.DEAD, Status.RECEIVED, Status.SUCCEEDED):
        row = kept(status=status, error="no route", finished_at=now)
        HandlerRun.objects.create(
            delivery=row, handler="push.record", attempt=1, trigger=Trigger.DELIVERY, started_at=now,
            outcome=Outcome.FAILED, duration=0.1,
        )  # fmt: skip
    Rejection.objects.create(at=now, reason="busy", status=503, detail="", size=1)
    RejectionCount.objects.create(day=now.date(), reason="busy", count=1)
    of = {"repository": Repository.objects.create(server="github.com", github_id=1, full_name="octo/cat")}
    about = {**of, "updated_at": now}
    PullRequest.objects.create(number=1, title="a", state="open", head_ref="b", base_ref="main", **about)
    Issue.objects.create(number=2, title="It leaks\ud7ff", labels=["bug"], **about)
    Commit.objects.create(sha="a" * 40, **of)
    Push.objects.create(
        ref="refs/heads/main", before="a" * 40, after="b" * 40, forced=False, created=False, deleted=False,
        pushed_at=now, truncated=False, **of,
    )  # fmt: skip
    Ref.objects.create(name="refs/heads/main", head_sha="b" * 40, previous_sha="a" * 40, pushed_at=now, **of)
    Release.objects.create(github_id=3, tag_name="v1", **about)
    WorkflowRun.objects.create(github_id=4, head_sha="b" * 40, **about)


@pytest.fixture
def schema(api: Programs, stored: None) -> Any:
    found = schemathesis.openapi.from_dict(json.loads(api.operator.get("openapi.json").body))
    found.config.update(base_url=api.operator.url)
    return found


def validate(case: Any, response: Any) -> None:
    """Check the answer. A parameter whose value is an empty list is not sent, so it cannot be refused."""
    sent = dict(parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True))
    skipped = SKIPPED if set(case.query) <= set(sent) else SKIPPED | {"negative_data_rejection"}
    names = [name for name in CHECKS.get_all_names() if name not in skipped]
    case.validate_response(response, checks=[CHECKS.get_one(name) for name in names])


def sent_headers(case: Any, api: Programs) -> dict[str, str]:
    # Those that frame a message are no part of the API, and wrong ones are answered before it.
    for name in ("Content-Length", "Host", "Transfer-Encoding"):
        case.headers.pop(name, None)
    return {"Authorization": f"Bearer {api.operator.token}"}


def test_every_operation_answers_as_its_schema_says(schema: Any, api: Programs) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:

        @settings(SPARSE, max_examples=servers.examples(2, 200))
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            validate(case, case.call(headers=sent_headers(case, api), timeout=30))

        answers()


@pytest.mark.full  # the last test has each operation alone
def test_what_one_operation_answers_is_taken_by_the_next(schema: Any, api: Programs) -> None:
    machine = schema.as_state_machine()
    wanted, runs, wrong = 200, 0, []

    class Machine(machine):  # type: ignore[misc,valid-type] # made at run time
        def __init__(self) -> None:
            nonlocal runs
            runs += 1
            super().__init__()

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": sent_headers(case, api), "timeout": 30}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            try:
                validate(case, response)
            except (AssertionError, BaseExceptionGroup) as error:  # a failure, and several
                wrong.append(error)
                raise

    steps = settings(SPARSE, stateful_step_count=30)
    while runs < wanted and not wrong:
        # Hypothesis refuses equal choices with unlike ends, and the ledger remembers the runs before.
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(Machine, settings=settings(steps, max_examples=wanted - runs))
    assert wrong == []
