"""The pages of operations: asking for one, watching it, cancelling and resuming it, and the log of all."""

import html
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from redis import Redis

from console.operations import most
from ledger import heartbeats, operations, replays
from ledger.heartbeats import Heartbeat
from ledger.models import Kind, Operation, State
from ledger.operations import Progress
from receiver.models import Delivery, Status
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import Answer

HOSTILE = "<script>alert(1)</script>\u202e"
PAST = timezone.now() - timedelta(hours=1)


def text(answer: Answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def running(**columns: object) -> Operation:
    operation = operations.create(Kind.REPLAY, {"filter": {"status": "dead"}}, "ada", worker="w:1")
    Operation.objects.filter(pk=operation.pk).update(**columns)
    return Operation.objects.get(pk=operation.pk)


@pytest.mark.once
def test_before_all_that_match_are_replayed_the_page_says_what_that_means(console: Console) -> None:
    for status in (Status.SUCCEEDED, Status.SUCCEEDED, Status.DEAD):
        kept(status=status, finished_at=PAST)
    kept(status=Status.PROCESSING)
    kept("issues__opened", status=Status.DEAD, finished_at=PAST)
    page = text(console.operator.get("/operations/replay?event=push"))
    assert "4 deliveries match." in page
    assert "2 of them succeeded before. All their handlers run again" in page
    assert "1 of them is in processing" in page
    assert "None of them has succeeded." in text(console.operator.get("/operations/replay?status=dead"))
    link = f'href="/operations/replay?{"status=dead"}"'
    assert link in console.operator.get("/deliveries?status=dead").text
    assert "Replay all" not in console.operator.get("/deliveries").text
    assert "Replay all" not in console.viewer.get("/deliveries?status=dead").text


def test_the_form_starts_one_operation_even_if_it_is_sent_twice(console: Console) -> None:
    kept(status=Status.DEAD, finished_at=PAST)
    page = console.operator.get("/operations/replay?status=dead").text
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    answers = [console.operator.post("/operations/replay?status=dead", key=key, rate="2.5") for _ in range(2)]
    operation = Operation.objects.get()
    assert {answer.url for answer in answers} == {f"{console.url}/operations/{operation.pk}"}
    assert (operation.state, operation.rate, operation.estimated) == ("queued", 2.5, 1)
    assert (operation.requested_by, operation.parameters["filter"]) == ("operator", {"status": "dead"})
    assert "Status dead" in text(answers[0])
    assert Delivery.objects.get().status == Status.DEAD, "the page itself replays nothing"


@pytest.mark.once
@pytest.mark.parametrize("rate", ["-1", "many", "nan", "1e9"])
def test_a_wrong_rate_starts_nothing(rate: str, console: Console) -> None:
    kept(status=Status.DEAD)
    answer = console.operator.post("/operations/replay?status=dead", key=uuid4(), rate=rate)
    assert (answer.status, "The rate must be a number" in answer.text) == (400, True)
    assert not Operation.objects.exists()


@pytest.mark.once
def test_without_a_filter_or_a_key_nothing_starts(console: Console) -> None:
    kept(status=Status.DEAD)
    for path in ("/operations/replay", "/operations/replay?since=never"):
        assert console.operator.get(path).url == f"{console.url}/deliveries"
        assert console.operator.post(path, key=uuid4()).url == f"{console.url}/deliveries"
    assert console.operator.post("/operations/replay?status=dead", key="x").status == 400
    assert not Operation.objects.exists()


@pytest.mark.once
def test_a_viewer_watches_and_neither_starts_nor_changes(console: Console) -> None:
    operation = running()
    assert console.viewer.get("/operations/replay?status=dead").status == 403
    for path in ("replay?status=dead", f"{operation.pk}/cancel", f"{operation.pk}/resume"):
        assert console.viewer.post(f"/operations/{path}", key=uuid4()).status == 403
        assert console.operator.post(f"/operations/{path}", csrf=False, key=uuid4()).status == 403
    page = console.viewer.get(f"/operations/{operation.pk}")
    assert (page.status, "Cancel" in page.text) == (200, False)
    operation.refresh_from_db()
    assert operation.state == State.RUNNING


@pytest.mark.once
def test_the_page_shows_progress_failures_by_reason_and_who_did_what(console: Console) -> None:
    operation = running(estimated=200)
    operations.advance(operation, Progress(7, done=40, failures={HOSTILE: 9, "gone": 1}))
    console.operator.post(f"/operations/{operation.pk}/cancel")
    page = console.viewer.get(f"/operations/{operation.pk}")
    assert '<progress aria-label="Progress" max="200" value="50">' in page.text
    assert "<script>alert" not in page.text
    words = text(page)
    assert "40 done of 200 , 10 failed (25 %)".replace(" ,", ",") in words.replace(" ,", ",")
    assert "9 &lt;script&gt;alert(1)&lt;/script&gt; U+202E 1 gone" in words
    assert re.search(r"queued by ada .* running by w:1 .* cancelled by operator", words)


@pytest.mark.once
def test_an_operation_that_found_nothing_to_do_is_seen_to_be_finished(console: Console) -> None:
    operation = running(estimated=0)
    operations.advance(operation, Progress(None, finished=True))
    page = console.viewer.get(f"/operations/{operation.pk}")
    assert '<progress aria-label="Progress" max="1" value="1">' in page.text
    assert "0 done of 0 Done means" in text(page), "there is no part of nothing"


def test_a_replay_says_what_became_of_its_deliveries(console: Console) -> None:
    ids = [kept(status=Status.DEAD, finished_at=PAST).pk for _ in range(2)]
    answer = console.operator.post("/deliveries/replay", id=ids)
    [path] = re.findall(r'processed again. <a href="(/operations/\d+)">', answer.text)
    Delivery.objects.filter(pk=ids[0]).update(status=Status.SUCCEEDED)
    words = text(console.viewer.get(path))
    assert "Done means due again: a worker processes each delivery next." in words
    assert "Its deliveries now 1 received 1 succeeded A later replay or redelivery" in words
    assert re.search(r"push octo/cat succeeded .* push octo/cat received", words)
    [link] = re.findall(r'href="([^"]+status=succeeded)"', console.viewer.get(path).text)
    listed = console.viewer.get(html.unescape(link)).text
    assert re.findall(r'data-row="/deliveries/(\d+)"', listed) == [str(ids[0])]
    assert "were looked at" not in listed
    Operation.objects.update(done=100_001)
    assert "its newest 100,000 were looked at" in console.viewer.get(html.unescape(link)).text
    every = operations.create(Kind.REPLAY, {"filter": {"event": "push", "status": "dead"}}, "ada")
    page = console.viewer.get(f"/operations/{every.pk}").text
    assert 'href="/deliveries?event=push&amp;status=dead">What matches its filters now' in page


@pytest.mark.once
def test_an_open_operation_refreshes_in_place_and_an_ended_one_does_not(console: Console) -> None:
    operation = running()
    part = console.viewer.get(f"/operations/{operation.pk}", HX_Request="true").text
    assert "<html" not in part
    assert 'hx-trigger="every 1s, wake"' in part
    operations.advance(operation, Progress(None, finished=True))
    ended = console.viewer.get(f"/operations/{operation.pk}", HX_Request="true").text
    assert ("hx-get" in ended, "finished" in ended) == (False, True)


@pytest.mark.once
def test_what_waits_says_so_while_no_worker_is_alive_or_may_take_it(console: Console, redis: Redis) -> None:
    queued = operations.create(Kind.REPLAY, {"filter": {"status": "dead"}}, "ada")
    replayed, _ = replays.at_once([kept(status=Status.DEAD, finished_at=PAST).pk], "ada")
    soon = timezone.now() + timedelta(minutes=5)
    held = {"status": Status.PROCESSING, "worker": "two:1:abc"}
    waiting = [
        kept(next_attempt_at=PAST), kept(status=Status.RETRYING, attempts=1, next_attempt_at=soon),
        kept(**held, lease_expires_at=PAST),
    ]  # fmt: skip
    paths = [f"/operations/{one.pk}" for one in (queued, replayed, running(lease_expires_at=PAST))]
    paths += [f"/deliveries/{one.pk}" for one in waiting]
    redis.zadd(heartbeats.NAMES, {"of another version": 1})
    redis.set(f"{heartbeats.KEY}of another version", b"{}")
    for path in ("/", *paths):
        assert "No worker is alive" in console.viewer.get(path).text, path
    # A command holds these.
    others = [f"/deliveries/{kept(**held, lease_expires_at=soon).pk}", f"/operations/{running().pk}"]
    for path in others:
        assert "No worker is alive" not in console.viewer.get(path).text
    beat = Heartbeat("one:1:abc", timezone.now(), 0)
    redis.zadd(heartbeats.NAMES, {beat.worker: 1})
    redis.set(heartbeats.KEY + beat.worker, heartbeats.FORMAT.dump_json(beat))
    for path in paths:
        assert "No worker is alive" not in console.viewer.get(path).text
    recovery = operations.create(Kind.RECOVER, {}, "ada")
    for created_at, is_said in ((timezone.now(), False), (PAST, True)):
        Operation.objects.filter(pk=recovery.pk).update(created_at=created_at)
        page = console.viewer.get(f"/operations/{recovery.pk}").text
        assert ("Workers without a credential" in page) is is_said


def test_a_cancelled_operation_is_resumed_and_an_ended_one_is_not_cancelled(console: Console) -> None:
    operation = running()
    path = f"/operations/{operation.pk}"
    assert "Resume" in console.operator.post(f"{path}/cancel").text
    assert "It had ended already." in console.operator.post(f"{path}/cancel").text
    assert "Cancel" in console.operator.post(f"{path}/resume").text
    operation.refresh_from_db()
    assert operation.state == State.QUEUED
    assert "It can be resumed only after it ended." in console.operator.post(f"{path}/resume").text


@pytest.mark.once
def test_the_log_lists_all_newest_first_in_pages(console: Console) -> None:
    for _ in range(51):
        operations.create(Kind.SYNC, {"repository": HOSTILE}, "ada")
    dead = kept(status=Status.DEAD)
    console.operator.post("/deliveries/replay", id=dead.pk)
    page = console.viewer.get("/operations")
    ids = [int(pk) for pk in re.findall(r'href="/operations/(\d+)"', page.text)]
    assert (len(ids), ids) == (50, sorted(ids, reverse=True))
    assert f"replay {ids[0]} delivery: {dead.pk} operator finished 1 0" in text(page)
    assert "<script>alert" not in page.text
    older = console.viewer.get(f"/operations?before={ids[-1]}")
    assert len(re.findall(r'href="/operations/(\d+)"', older.text)) == 2
    assert console.viewer.get("/operations?before=x").status == 200


@pytest.mark.once
def test_what_is_not_there_is_not_found(console: Console) -> None:
    assert console.viewer.get("/operations/1").status == 404
    assert console.operator.post(f"/operations/{'9' * 30}/cancel").status == 404


@pytest.mark.parametrize(
    ("state", "estimated", "done", "end"),
    [
        ("running", 10, 5, 10), ("running", 10, 12, 12), ("running", None, 5, None),
        ("running", 100_000, 5, None), ("finished", None, 5, 5), ("finished", None, 0, 1),
    ],
)  # fmt: skip
def test_the_bar_ends_at_the_best_known_number(
    state: str, estimated: int | None, done: int, end: int | None
) -> None:
    assert most(Operation(state=state, estimated=estimated, done=done)) == end
