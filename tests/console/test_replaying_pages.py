"""Replay from the pages: for operators only, and not of deliveries that a worker holds."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from redis import Redis

from console.replaying import said
from ledger.models import Operation, Replay
from ledger.replays import HELD
from receiver import queue
from receiver.models import Delivery, Status
from tests.console.conftest import Console
from tests.console.kept import kept


def test_an_operator_replays_the_selected(console: Console) -> None:
    dead = [
        kept(status=Status.DEAD, attempts=8, error="no route", finished_at=timezone.now()) for _ in range(3)
    ]
    answer = console.operator.post(
        "/deliveries/replay", id=[dead[0].pk, dead[1].pk], next="/deliveries?status=dead"
    )
    assert answer.url == f"{console.url}/deliveries?status=dead"
    assert "2 deliveries are processed again." in answer.text
    status = dict(Delivery.objects.values_list("pk", "status"))
    assert [status[row.pk] for row in dead] == ["received", "received", "dead"]


def test_a_replay_is_in_the_log_and_wakes_the_workers(console: Console, redis: "Redis") -> None:
    dead = kept(status=Status.DEAD, finished_at=timezone.now())
    console.operator.post("/deliveries/replay", id=dead.pk)
    operation = Operation.objects.get()
    assert (operation.state, operation.done, operation.requested_by) == ("finished", 1, "operator")
    replays = Replay.objects.values_list("delivery", "operation", "by")
    assert list(replays) == [(dead.pk, operation.pk, "operator")]
    assert redis.zcard(queue.NAME) == 1


@pytest.mark.parametrize("page", ["/deliveries?status=succeeded", "/deliveries/{pk}"])
def test_a_form_that_is_sent_twice_replays_once(page: str, console: Console) -> None:
    one, other = (kept(status=Status.SUCCEEDED, finished_at=timezone.now()) for _ in range(2))
    found = console.operator.get(page.format(pk=one.pk)).text
    [key] = set(re.findall(r'name="key" value="([^"]+)"', found))
    for _ in range(2):
        answer = console.operator.post("/deliveries/replay", id=one.pk, key=key)
        assert "1 delivery is processed again." in answer.text
        # A worker may have settled it between the two clicks.
        Delivery.objects.filter(pk=one.pk).update(status=Status.SUCCEEDED, finished_at=timezone.now())
    assert Replay.objects.count() == 1
    console.operator.post("/deliveries/replay", id=[one.pk, other.pk], key=key)
    assert Replay.objects.count() == 3, "another selection is another form"


def test_what_a_worker_holds_is_left_to_it(console: Console) -> None:
    held = kept(
        status=Status.PROCESSING, lease_expires_at=timezone.now() + timedelta(minutes=1), worker="w:1"
    )
    answer = console.operator.post("/deliveries/replay", id=held.pk, next=f"/deliveries/{held.pk}")
    assert "0 deliveries are processed again. 1 left alone" in answer.text
    assert not Replay.objects.exists()
    held.refresh_from_db()
    assert held.status == Status.PROCESSING


def test_a_viewer_and_a_stranger_replay_nothing(console: Console) -> None:
    dead = kept(status=Status.DEAD)
    assert console.viewer.post("/deliveries/replay", id=dead.pk).status == 403
    stranger = console.stranger()
    stranger.get("/sign-in")
    assert stranger.post("/deliveries/replay", id=dead.pk).url.startswith(f"{console.url}/sign-in")
    dead.refresh_from_db()
    assert dead.status == Status.DEAD


def test_without_the_proof_against_csrf_nothing_is_replayed(console: Console) -> None:
    dead = kept(status=Status.DEAD)
    assert console.operator.post("/deliveries/replay", csrf=False, id=dead.pk).status == 403
    dead.refresh_from_db()
    assert dead.status == Status.DEAD


def test_nonsense_replays_nothing_and_leads_to_no_other_site(console: Console) -> None:
    answer = console.operator.post(
        "/deliveries/replay", id=["x", "-1", "9" * 30, "9" * 5000, "²"], next="https://evil.example"
    )
    assert answer.url == f"{console.url}/deliveries"
    assert "Nothing is selected." in answer.text


def test_the_answer_is_a_sentence() -> None:
    assert said(1, {}) == "1 delivery is processed again."
    assert said(2, {HELD: 2}) == "2 deliveries are processed again. 2 left alone: in processing by a worker."
