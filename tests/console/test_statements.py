"""Pages run few statements, whatever they show."""

import json
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from bench import processes
from receiver.models import HandlerRun, Outcome, Status, Trigger
from tests.console.kept import kept
from tests.console.visitors import KEY

MAX_STATEMENTS = 10


@pytest.mark.once
@pytest.mark.usefixtures("transactional_db")
def test_no_page_runs_more_than_ten_statements(accounts: str) -> None:
    now = timezone.now()
    for number in range(60):
        row = kept(
            received_at=now - timedelta(hours=number + 30), status=Status.DEAD, finished_at=now, number=4,
            error="no route", repository="harbour-works/tide-tables-7", sender="person-7",
        )  # fmt: skip
        HandlerRun.objects.create(
            delivery=row, handler="push.record", attempt=1, trigger=Trigger.DELIVERY, outcome=Outcome.FAILED,
            started_at=now, duration=0.1,
        )  # fmt: skip
    told = processes.run(
        [sys.executable, "-m", "bench.pages", "0"], {"DATABASE_URL": accounts, "SECRET_KEY": KEY}
    )
    counts = {page["name"]: page["statements"] for page in map(json.loads, told.splitlines())}
    assert {"overview", "list", "detail", "error=route", "handler=push.record"} <= counts.keys()
    assert {name: count for name, count in counts.items() if count > MAX_STATEMENTS} == {}
