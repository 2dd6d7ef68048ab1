"""Statistics in the API: from aggregates alone, cached, and with their age."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from ledger import aggregates
from ledger.models import Grain
from receiver.models import Delivery, Status
from tests import processes
from tests.console.api.conftest import Programs
from tests.console.api.programs import problem
from tests.console.conftest import manage
from tests.console.kept import kept

BEGIN = aggregates.floor(timezone.now(), Grain.HOUR) - timedelta(hours=3)


@pytest.fixture
def counted(api: Programs, redis: Redis) -> None:
    """Deliveries of three hours, which are gone once they are counted."""
    for hour in range(3):
        at = BEGIN + timedelta(hours=hour)
        for number in range(hour + 1):
            kept(
                received_at=at, finished_at=at + timedelta(seconds=0.1), status=Status.SUCCEEDED,
                repository=f"octo/{number}",
            )  # fmt: skip
    kept("issues__opened", received_at=BEGIN, finished_at=BEGIN, status=Status.DEAD)
    while aggregates.advance():
        continue
    Delivery.objects.all().delete()


def ask(api: Programs, query: str) -> dict[str, Any]:
    answer = api.reader.get(f"stats?{query}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = json.loads(answer.body)
    return found


def numbers(series: dict[str, Any], column: str = "received") -> list[int]:
    return [point[column] for point in series["points"]]


@pytest.mark.usefixtures("counted")
def test_hours_are_counted_without_a_delivery(api: Programs) -> None:
    [series] = ask(api, "step=hour")["series"]
    assert series["name"] is None
    assert numbers(series) == [2, 2, 3]
    assert numbers(series, "succeeded") == [1, 2, 3]
    assert numbers(series, "dead") == [1, 0, 0]
    assert 0.1 <= series["points"][1]["latency"]["p50"] <= 0.12
    assert series["points"][0]["begin"] == BEGIN.isoformat().replace("+00:00", "Z")


@pytest.mark.usefixtures("counted")
def test_minutes_and_days_show_the_same(api: Programs) -> None:
    for query in ("step=minute&since=5h", "step=day"):
        [series] = ask(api, query)["series"]
        assert sum(numbers(series)) == 7


@pytest.mark.usefixtures("counted")
def test_events_and_repositories_are_told_apart(api: Programs) -> None:
    by_event = {series["name"]: sum(numbers(series)) for series in ask(api, "by=event")["series"]}
    assert by_event == {"push": 6, "issues": 1}
    by_repository = {series["name"]: sum(numbers(series)) for series in ask(api, "by=repository")["series"]}
    assert by_repository == {"octo/0": 3, "octo/1": 2, "octo/2": 1, "octo/cat": 1}
    [alone] = ask(api, "repository=octo/1")["series"]
    assert sum(numbers(alone)) == 2


def test_a_step_that_is_not_over_has_a_series_for_each_event(api: Programs, redis: Redis) -> None:
    for case in ("push__branch", "issues__opened"):
        kept(case, received_at=timezone.now() - timedelta(minutes=3))
    while aggregates.advance():
        continue
    for step in Grain:
        found = {
            series["name"]: sum(numbers(series)) for series in ask(api, f"step={step}&by=event")["series"]
        }
        assert found == {"push": 1, "issues": 1}, step


@pytest.mark.usefixtures("counted")
def test_an_answer_says_how_old_it_is(api: Programs) -> None:
    first = ask(api, "step=hour&by=event")
    second = ask(api, "step=hour&by=event")
    assert second["computed_at"] == first["computed_at"]
    assert second["age"] > first["age"] >= 0


def test_nothing_is_counted_yet(api: Programs, redis: Redis) -> None:
    found = ask(api, "step=day")
    assert (found["series"], found["complete_until"]) == ([], None)


@pytest.mark.parametrize(
    "query",
    [
        "step=week", "by=sender", "since=2020-01-01&step=minute", "event=push&repository=a",
        "since=1h&until=2h",
        "by=event&event=push", "until=9999-12-31T23:59:59Z", "until=0001-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_period_that_makes_no_chart_is_refused(query: str, api: Programs) -> None:
    assert problem(api.reader.get(f"stats?{query}"))["status"] == 422


def warmed(redis: Redis) -> int:
    """Return the number of answers that are kept."""
    names = [name for name in redis.scan_iter() if name.startswith(b"hookkeeper:cache")]
    return len([name for name in names if not name.endswith(b":computing")])


@pytest.mark.full("sqlite")
def test_a_worker_counts_by_the_minute_and_keeps_the_answers_warm(
    api: Programs, accounts: str, redis: Redis, worker_log: Path
) -> None:
    now = timezone.now()
    kept(received_at=now - timedelta(minutes=3), finished_at=now, status=Status.SUCCEEDED)
    with processes.worker(worker_log, DATABASE_URL=accounts):
        processes.wait_until(lambda: warmed(redis) == 6, "the worker warms the answers", 30)
    before = timezone.now()
    found = ask(api, "step=day")
    assert datetime.fromisoformat(found["computed_at"]) < before
    assert datetime.fromisoformat(found["complete_until"]) > now - timedelta(minutes=3)
    [series] = found["series"]
    assert numbers(series) == [1]


@pytest.mark.full("sqlite")
@pytest.mark.usefixtures("counted")
def test_warm_counts_and_computes_what_dashboards_ask_for(api: Programs, accounts: str, redis: Redis) -> None:
    kept(received_at=BEGIN)
    printed = manage("warm", "--rebuild", DATABASE_URL=accounts)
    assert "answers warmed: 6" in printed
    assert warmed(redis) == 6
    [series] = ask(api, "step=hour")["series"]
    assert ask(api, "step=hour")["age"] > 0
    assert numbers(series) == [1]
