"""Replay by the API: an outcome for each id, and once however often the request is sent."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ledger import replays
from ledger.models import Operation, Replay
from receiver.models import Delivery, Status, Trigger
from tests.console.api.conftest import Programs
from tests.console.api.programs import problem
from tests.console.kept import kept
from tests.console.visitors import Answer


def outcomes(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer.text
    return [(each["id"], each["outcome"]) for each in json.loads(answer.body)["outcomes"]]


def dead(**changes: Any) -> Delivery:
    return kept(**{"status": Status.DEAD, "finished_at": timezone.now(), "attempts": 3, **changes})


def held() -> Delivery:
    return dead(
        status=Status.PROCESSING, finished_at=None, lease_expires_at=timezone.now() + timedelta(hours=1)
    )


def test_two_hundred_ids_have_an_outcome_each_and_nothing_is_undone(api: Programs) -> None:
    free = [dead() for _ in range(194)]
    busy = held()
    sent = [str(row.pk) for row in free]
    wrong = [str(busy.pk), "999999999", "12x\0", "9" * 40, sent[0], f"0{sent[0]}"]
    answer = api.operator.post("deliveries/replay", {"ids": sent[:100] + wrong + sent[100:]})
    expected = ["held", "unknown", *["refused"] * 4]
    assert outcomes(answer) == [
        *((each, "replayed") for each in sent[:100]),
        *zip(wrong, expected, strict=True),
        *((each, "replayed") for each in sent[100:]),
    ]
    assert set(Delivery.objects.exclude(pk=busy.pk).values_list("status", "trigger", "attempts")) == {
        (Status.RECEIVED, Trigger.REPLAY, 0)
    }
    busy.refresh_from_db()
    assert busy.status == Status.PROCESSING
    [operation] = Operation.objects.all()
    assert (operation.done, operation.failures) == (194, {replays.HELD: 1, replays.UNKNOWN: 1})
    noted = set(Replay.objects.values_list("delivery", "operation", "by"))
    assert noted == {(row.pk, operation.pk, operation.requested_by) for row in free}


def test_the_same_request_again_gets_the_first_answer_and_replays_nothing(api: Programs) -> None:
    row, sent = dead(), {"Idempotency_Key": f"once {timezone.now().timestamp()}".replace(" ", "-")}
    body = {"ids": [str(row.pk), "999999999"]}
    first = api.operator.post("deliveries/replay", body, **sent)
    Delivery.objects.update(status=Status.SUCCEEDED)
    assert outcomes(api.operator.post("deliveries/replay", body, **sent)) == outcomes(first)
    row.refresh_from_db()
    assert row.status == Status.SUCCEEDED
    other = api.operator.post("deliveries/replay", {"ids": [str(row.pk)]}, **sent)
    assert problem(other)["errors"][0]["at"] == "header.Idempotency-Key"
    assert outcomes(api.operator.post("deliveries/replay", body)) == outcomes(first)
    row.refresh_from_db()
    assert row.status == Status.RECEIVED


def test_requests_with_one_key_at_the_same_time_replay_once(api: Programs) -> None:
    row, key = dead(), f"together-{timezone.now().timestamp()}"
    body = {"ids": [str(row.pk)]}
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: api.operator.post("deliveries/replay", body, Idempotency_Key=key), range(8))
        )
    assert [outcomes(answer) for answer in answers] == [[(str(row.pk), "replayed")]] * 8


def test_one_delivery_is_replayed(api: Programs) -> None:
    row = dead()
    answer = api.operator.post(f"deliveries/{row.pk}/replay")
    assert (answer.status, json.loads(answer.body)["outcome"]) == (202, "replayed")
    row.refresh_from_db()
    assert row.status == Status.RECEIVED


def test_a_replay_of_one_that_is_held_or_unknown_is_a_problem(api: Programs) -> None:
    assert problem(api.operator.post(f"deliveries/{held().pk}/replay"))["status"] == 409
    before = Operation.objects.count()
    assert problem(api.operator.post("deliveries/999999999/replay"))["status"] == 404
    assert Operation.objects.count() == before  # nothing was replayed


def test_an_error_is_about_the_kind_of_body_that_was_sent(api: Programs) -> None:
    for body, place in (
        ({}, "body.ids"),
        ({"ids": [1]}, "body.ids.0"),
        ({"filter": {"statu": "dead"}}, "body.filter.statu"),
        ({"filter": {"status": "dead"}, "rate": -1}, "body.rate"),
        ({"filter": {"status": "dead"}, "rate": True}, "body.rate"),
        ({"filter": {"status": "dead"}, "ids": ["1"]}, "body.ids"),
    ):
        found = problem(api.operator.post("deliveries/replay", body or b"{}"))
        assert [each["at"] for each in found["errors"]] == [place]


def test_a_batch_is_between_one_and_two_hundred_ids(api: Programs) -> None:
    for ids in ([], ["1"] * 201, [1], "1", None):
        assert problem(api.operator.post("deliveries/replay", {"ids": ids}))["status"] == 422
    assert problem(api.operator.post("deliveries/replay", {"ids": ["1"], "id": "1"}))["status"] == 422
