"""Operations in the API: a replay by a filter is one, and a replay of a few is in their log."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from ledger import replays
from ledger.models import Operation, Replay, State
from receiver.models import Delivery, Status
from tests.console.api.conftest import Programs
from tests.console.api.programs import items, problem
from tests.console.kept import kept


def begun(api: Programs, filters: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = api.operator.post("deliveries/replay", {"filter": filters, "rate": 5}, **headers)
    assert answer.status == 202, answer.text
    found: dict[str, Any] = json.loads(answer.body)
    assert answer.headers["Location"] == f"/api/v1/operations/{found['id']}"
    return found


def test_a_replay_by_a_filter_is_an_operation(api: Programs) -> None:
    before = timezone.now() - timedelta(seconds=5)
    for _ in range(3):
        kept(status=Status.DEAD, finished_at=before)
    kept(status=Status.SUCCEEDED, finished_at=before)
    found = begun(api, {"status": "dead", "since": "24h"})
    assert (found["kind"], found["state"], found["estimated"], found["rate"]) == ("replay", "queued", 3, 5)
    assert found["requested_by"] == "token operator"
    row = Operation.objects.get(pk=found["id"])
    assert row.parameters["filter"] == {"status": "dead", "since": "24h"}


def test_a_replay_by_a_filter_begins_once_for_a_key(api: Programs) -> None:
    key = str(uuid4())
    first = begun(api, {"status": "dead"}, Idempotency_Key=key)
    assert begun(api, {"status": "dead"}, Idempotency_Key=key)["id"] == first["id"]
    assert begun(api, {"status": "dead"})["id"] != first["id"]


def test_a_filter_that_chooses_everything_or_nothing_sensible_begins_nothing(api: Programs) -> None:
    for filters in (
        {}, {"statu": "dead"}, {"status": "lost"}, {"since": "0001-01-01T00:00:00+23:00"},
        {"event": " "}, {"status": "dead", "repository": "\t"}, {"since": "2026"}, {"since": 2026},
    ):  # fmt: skip
        answer = api.operator.post("deliveries/replay", {"filter": filters})
        assert problem(answer)["status"] == 422
    assert not Operation.objects.exists()


def test_operations_are_listed_watched_and_cancelled(api: Programs) -> None:
    first, second = (begun(api, {"event": event}) for event in ("push", "issues"))
    assert [item["id"] for item in api.reader.pages("operations?limit=1")] == [second["id"], first["id"]]
    cancelled = json.loads(api.operator.post(f"operations/{first['id']}/cancel").body)
    assert [(each["state"], each["by"]) for each in cancelled["changes"]] == [
        ("queued", "token operator"), ("cancelled", "token operator"),
    ]  # fmt: skip
    assert [item["id"] for item in items(api.reader.get("operations?state=cancelled"))] == [first["id"]]
    assert problem(api.operator.post(f"operations/{first['id']}/cancel"))["status"] == 409
    assert problem(api.operator.post("operations/999999/cancel"))["status"] == 404
    assert problem(api.reader.get("operations/999999"))["status"] == 404


def test_a_replay_says_how_its_deliveries_ended_and_a_filter_lists_them(api: Programs) -> None:
    past = timezone.now() - timedelta(seconds=5)
    rows = [kept(status=Status.DEAD, finished_at=past) for _ in range(3)]
    kept(status=Status.DEAD, finished_at=past)
    operation, _ = replays.at_once([row.pk for row in rows], "ada")
    Delivery.objects.filter(pk=rows[0].pk).update(status=Status.DEAD, finished_at=timezone.now())
    Replay.objects.filter(delivery=rows[1].pk).delete()  # as pruning does
    found = json.loads(api.reader.get(f"operations/{operation.pk}").body)
    assert found["replayed"] == {"statuses": {"received": 1, "dead": 1}, "pruned": 1, "more": False}
    listed = items(api.reader.get(f"deliveries?operation={operation.pk}&status=dead"))
    assert [item["id"] for item in listed] == [str(rows[0].pk)]
    assert items(api.reader.get("deliveries?operation=999999")) == []


def test_a_replay_of_a_few_is_in_the_log(api: Programs) -> None:
    row = kept(status=Status.DEAD)
    api.operator.post("deliveries/replay", {"ids": [str(row.pk), "999999999"]})
    [found] = items(api.reader.get("operations"))
    assert (found["state"], found["done"], found["failures"]) == (State.FINISHED, 1, {replays.UNKNOWN: 1})
    assert found["parameters"]["ids"] == [row.pk, 999999999]
