"""Recovery: what GitHub lists and the ledger does not have is delivered again, through a real receiver."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

import database
from ledger import operations
from ledger.models import Kind, Operation
from processing.operation_runner import OperationRunner
from receiver.models import Delivery
from tests import fake_github
from tests.fake_github import Attempt, Github, Hook, hooks
from tests.fake_github.github import Answered
from tests.upstream.kept import STAR, keep
from upstream import discovery, looking
from upstream.asking import MAX_UNANSWERED
from upstream.client import PAGE_SIZE, Client
from upstream.credentials import Credentials
from upstream.models import HookKind, Missed, MissedState, Pause, WatchedHook, retention
from upstream.recovery import FORGOTTEN, MAX_SKIPPED, PORTION, Pace, Recovery
from upstream.session import Session

pytestmark = pytest.mark.usefixtures("transactional_db")

PACE = Pace(0.01, timedelta(seconds=30), 0.05, 0.02)
# For what never arrives.
IMPATIENT = Pace(0.01, timedelta(seconds=0.2), 0.05, 0.02)
HOUR = timedelta(hours=1)


def recovering(fake: Github, pace: Pace = PACE, credentials: Credentials | None = None) -> Recovery:
    """Return a recovery at the fake; close it at the end."""
    token = Credentials(fake_github.TOKEN)
    return Recovery(Client(credentials or token, Session(1.0, (0.01,)), fake.url), pace)


@pytest.fixture
async def recovery(fake: Github) -> AsyncIterator[Recovery]:
    """Yield a recovery that waits as long as it takes for what arrives."""
    made = recovering(fake)
    yield made
    await made.client.close()


@pytest.fixture
async def impatient(fake: Github) -> AsyncIterator[Recovery]:
    """Yield a recovery that waits briefly, for what never arrives."""
    made = recovering(fake, IMPATIENT)
    yield made
    await made.client.close()


def listing(fake: Github, number: int, receiver_url: str, **fields: Any) -> Hook:
    """Return a hook that delivered so many stars; nothing of it is stored here."""
    hook = fake.hook(url=f"{receiver_url}/webhooks/github", **fields)
    then = fake.moment() - HOUR
    hook.attempts = [
        Attempt(hooks.guid(one), "star", STAR, then + timedelta(seconds=one)) for one in range(number)
    ]
    return hook


async def run(recovery: Recovery, **parameters: Any) -> Operation:
    """Run a recovery to its end, as a worker does."""
    runner = OperationRunner("a test", {Kind.RECOVER: recovery.portion})
    create = partial(operations.create, Kind.RECOVER, parameters, "a test", worker=runner.worker)
    operation = await database.run(create)
    await runner.operate(operation)
    ended: Operation = await database.run(Operation.objects.get, pk=operation.pk)
    assert ended.state == "finished", ended.error
    return ended


async def states() -> Counter[str]:
    return Counter([state async for state in Missed.objects.values_list("state", flat=True)])


async def test_what_is_missing_arrives_once_whatever_github_thinks_of_it(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 12, receiver_url)
    # Failed there and stored here, and the other way round.
    for attempt in hook.attempts[:8]:
        attempt.status_code, attempt.status = 502, "Bad Gateway"
    stored = [one for place, one in enumerate(hook.attempts) if place % 4]
    await database.run(keep, hook, stored)
    ping = Attempt(hooks.guid(99), "ping", b"{}", fake.moment() - HOUR)
    hook.attempts.insert(0, ping)
    ended = await run(recovery)
    assert fake.asked == {hooks.guid(number): 1 for number in (0, 4, 8)}
    assert (ended.done, ended.failed, ended.estimated) == (3, 0, 3)
    assert await states() == {"arrived": 3}
    assert await Delivery.objects.acount() == 12
    assert not await Delivery.objects.filter(unsigned=True).aexists()


async def test_a_second_run_asks_for_nothing_and_reads_no_unchanged_list(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 3, receiver_url)
    await database.run(keep, hook, hook.attempts[:2])
    await run(recovery)
    hook.attempts = hook.attempts[:3]
    await run(recovery)
    before = len(fake.seen)
    await run(recovery)
    assert [one.status for one in fake.seen[before:]] == [304]
    assert fake.asked == {hooks.guid(2): 1}


async def test_a_quiet_hook_is_known_to_be_complete(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 1, receiver_url)
    await database.run(keep, hook, hook.attempts)
    hook.attempts.clear()
    begin = fake.moment()
    await run(recovery)
    watched = await WatchedHook.objects.aget()
    assert watched.complete_until is not None
    assert watched.complete_until > begin - 2 * looking.LAG


@pytest.mark.full("postgresql")
async def test_later_misses_are_found_though_the_clock_here_is_or_was_ahead_of_githubs(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    fake.skew = -(looking.LAG + 6 * HOUR).total_seconds()
    hook = listing(fake, 1, receiver_url)
    await database.run(keep, hook, hook.attempts)
    await run(recovery)
    hook.attempts += [Attempt(hooks.guid(1), "star", STAR, fake.moment())]
    await run(recovery)
    assert await states() == {"arrived": 1}
    await WatchedHook.objects.aupdate(complete_until=fake.moment() + 6 * HOUR)
    hook.attempts += [Attempt(hooks.guid(2), "star", STAR, fake.moment())]
    for _ in range(2):
        await run(recovery)
    assert await states() == {"arrived": 2}


@pytest.mark.full("postgresql")
async def test_after_workers_were_away_longer_than_github_remembers_looks_are_short_again(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, PAGE_SIZE + 1, receiver_url)
    await database.run(keep, hook, hook.attempts)
    await database.run(discovery.discover)
    then = fake.moment() - retention() - HOUR
    await WatchedHook.objects.aupdate(complete_until=then)
    await run(recovery)
    watched = await WatchedHook.objects.aget()
    assert watched.unknown_from == then
    assert watched.complete_until == hook.attempts[-1].delivered_at
    await run(recovery)
    assert [one.status for one in fake.seen] == [200, 200, 304]


@pytest.mark.full("postgresql")
async def test_an_outage_of_the_endpoint_costs_one_request_until_something_comes_through(
    fake: Github, recovery: Recovery, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 4, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    hook.url = "http://127.0.0.1:9/"
    for _ in range(2):
        await run(impatient)
    assert fake.asked == {hooks.guid(number): 1 for number in (1, 2, 3)}
    assert await states() == {"asked": 3}
    await Missed.objects.aupdate(asked_at=fake.moment() - HOUR / 12)
    hook.url = f"{receiver_url}/webhooks/github"
    await asyncio.to_thread(fake.deliver, hook, Attempt(hooks.guid(50), "star", STAR, fake.moment()))
    await run(recovery)
    assert await states() == {"arrived": 3}
    assert fake.asked == {hooks.guid(number): 2 for number in (1, 2, 3)}


@pytest.mark.full("postgresql")
async def test_what_never_arrives_is_asked_for_three_times_and_then_lost(
    fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    fake.faults.undelivered = lambda attempt, times: True
    failures: Counter[str] = Counter()
    for number in range(4):
        failures.update((await run(impatient)).failures)
        other = Attempt(hooks.guid(50 + number), "star", STAR, fake.moment())
        await asyncio.to_thread(fake.deliver, hook, other)
        assert fake.asked == {hooks.guid(1): min(number + 1, 3)}
        await Missed.objects.aupdate(asked_at=fake.moment() - HOUR)
    lost = await Missed.objects.aget()
    assert (lost.state, str(lost.guid), lost.event) == ("lost", hooks.guid(1), "star")
    assert lost.reason == "GitHub was asked 3 times, and it did not arrive"
    assert failures == {lost.reason: 1}


@pytest.mark.full("postgresql")
@pytest.mark.parametrize(
    ("status", "failed", "reason"), [(422, 2, "422 Spammed"), (502, 0, "502; try later")]
)
async def test_requests_that_github_does_not_carry_out_are_repeated_late_whatever_comes_through(
    status: int, failed: int, reason: str, fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 3, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    refused: Answered = (status, {}, b'{"message": "Spammed"}')
    fake.faults.answer = lambda method, path: refused if method == "POST" else None
    for number in range(2):
        ended = await run(impatient)
        assert list(ended.failures.values()) == ([failed] if failed and number == 0 else []), "one reason"
        await asyncio.to_thread(
            fake.deliver, hook, Attempt(hooks.guid(50 + number), "star", STAR, fake.moment())
        )
    asked = [one async for one in Missed.objects.order_by("pk")]
    assert ([one.asks for one in asked], len(fake.paths("POST"))) == ([1, 1], 2)
    assert all(reason in one.reason for one in asked)
    await Missed.objects.aupdate(asks=3, asked_at=fake.moment() - HOUR)
    await run(impatient)
    lost = [one.reason async for one in Missed.objects.order_by("pk")]
    assert lost == [f"GitHub was asked 3 times, and it did not arrive: {one.reason}" for one in asked]


@pytest.mark.full("postgresql")
async def test_what_failed_again_is_kept_as_long_as_github_keeps_its_newest_attempt(
    fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    hook.url = "http://127.0.0.1:9/"
    await run(impatient)
    async with asyncio.timeout(30):
        while len(hook.attempts) == 2:  # noqa: ASYNC110 - another thread sends
            await asyncio.sleep(0.01)
    await run(impatient)
    missed, newest = await Missed.objects.aget(), hook.attempts[-1]
    assert newest.redelivery
    assert (missed.attempt, missed.delivered_at) == (newest.id, newest.delivered_at)
    assert missed.outcome.startswith("502 failed to connect")


@pytest.mark.full("postgresql")
async def test_few_are_asked_for_while_none_arrives(
    fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, MAX_UNANSWERED + 5, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    fake.faults.undelivered = lambda attempt, times: True
    await run(impatient)
    assert len(fake.asked) == MAX_UNANSWERED
    assert await states() == {"found": 4, "asked": MAX_UNANSWERED}


@pytest.mark.full("postgresql")
@pytest.mark.parametrize("is_gone", [False, True], ids=["", "of a deleted hook"])
async def test_what_is_older_than_github_keeps_is_lost_with_its_guid_event_and_time(
    is_gone: bool, fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, hook, hook.attempts[1:])
    fake.faults.undelivered = lambda attempt, times: True
    await run(impatient)
    await Missed.objects.aupdate(delivered_at=fake.moment() - hooks.RETENTION)
    await Missed.objects.aupdate(asked_at=fake.moment() - HOUR)
    if is_gone:
        fake.hooks.remove(hook)
    ended = await run(impatient)
    lost = await Missed.objects.aget()
    assert (lost.state, lost.reason) == ("lost", "GitHub keeps deliveries for 3 days")
    assert (ended.failures[lost.reason], ended.failed) == (1, 1 + is_gone)


async def test_a_lost_one_that_arrives_after_all_has_arrived(
    fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, hook, hook.attempts[1:])
    fake.faults.undelivered = lambda attempt, times: True
    await run(impatient)
    await Missed.objects.aupdate(state=MissedState.LOST, reason="given up")
    await database.run(keep, hook, hook.attempts[:1])
    await run(impatient)
    assert await states() == {"arrived": 1}


async def test_a_hook_that_never_delivered_here_is_left_alone(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    ours, other = listing(fake, 2, receiver_url), fake.hook(url="https://elsewhere.example")
    other.attempts = [Attempt(hooks.guid(70), "star", STAR, fake.moment())]
    await database.run(keep, ours, ours.attempts)
    await run(recovery)
    assert fake.paths(containing=str(other.id)) == []


@pytest.mark.full("postgresql")
async def test_a_hook_that_fails_stops_no_other_and_says_what_to_do(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    gone = listing(fake, 1, receiver_url, owner="octo/gone")
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, gone, gone.attempts)
    await database.run(keep, hook, [Attempt(hooks.guid(9), "star", STAR, fake.moment())])
    fake.hooks.remove(gone)
    ended = await run(recovery)
    assert await states() == {"arrived": 2}
    failed = await WatchedHook.objects.aget(hook_id=gone.id)
    assert "may not see it" in failed.error
    assert list(ended.failures) == [f"hook {gone.id}: {failed.error}"]


@pytest.mark.full("postgresql")
async def test_a_list_that_leads_in_a_circle_ends_and_what_it_showed_arrives(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 3, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    fake.faults.circle = fake.faults.new_cursors = True
    ended = await run(recovery)
    assert await states() == {"arrived": 2}
    watched = await WatchedHook.objects.aget()
    assert "leads back to a page" in watched.error
    assert list(ended.failures) == [f"hook {hook.id}: {watched.error}"]
    assert watched.complete_until is None


@pytest.mark.full("postgresql")
async def test_what_was_listed_before_a_page_that_github_never_shows_arrives(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, PAGE_SIZE + 2, receiver_url)
    await database.run(keep, hook, hook.attempts[:-1])
    answers: Iterator[Answered | None] = iter([None, (422, {}, b"{}")])
    fake.faults.answer = lambda method, path: next(answers) if path.endswith("/deliveries") else None
    ended = await run(recovery)
    assert await states() == {"arrived": 1}
    watched = await WatchedHook.objects.aget()
    assert list(ended.failures) == [f"hook {hook.id}: {watched.error}"]
    assert watched.complete_until is None


@pytest.mark.full("postgresql")
async def test_entries_that_cannot_be_read_are_reported_until_the_list_shows_them_no_more(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, PAGE_SIZE + 2, receiver_url)
    await database.run(keep, hook, hook.attempts[1:])
    odd = hook.attempts[-1]
    odd.guid, there = "no guid", odd.guid
    reason = "entries of GitHub's list that cannot be read, and were not compared: 1"
    for _ in range(2):
        ended = await run(recovery)
        assert list(ended.failures) == [f"hook {hook.id}: {reason}"]
        assert (await WatchedHook.objects.aget()).error == reason
    assert await states() == {"arrived": 1}
    odd.guid = there
    assert (await run(recovery)).failures == {}
    assert (await WatchedHook.objects.aget()).error == ""


@pytest.mark.full("postgresql")
@pytest.mark.parametrize(
    ("lack", "said"), [("permission", "webhooks=write"), ("connection", "All connection attempts failed")]
)
async def test_what_github_certainly_did_not_do_spends_no_request(
    lack: str, said: str, fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    if lack == "permission":
        fake.tokens[fake_github.TOKEN] = {"webhooks": "read"}
    else:  # the network goes away after the list was read
        fake.faults.answer = lambda *_: setattr(recovery.client, "api_url", "http://127.0.0.1:9")
    ended = await run(recovery)
    assert said in next(iter(ended.failures))
    assert (await Missed.objects.aget()).asks == 0
    fake.tokens[fake_github.TOKEN] = {"webhooks": "write"}
    fake.faults.answer, recovery.client.api_url = lambda *_: None, fake.url
    await run(recovery)
    assert await states() == {"arrived": 1}


async def test_two_hooks_of_one_guid_are_two_deliveries(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    organisation = listing(fake, 2, receiver_url, kind="organization", owner="octo")
    await database.run(keep, hook, hook.attempts)
    body = STAR.replace(b"{", b'{"organization": {"login": "octo"}, ', 1)
    await database.run(keep, organisation, [Attempt(hooks.guid(9), "star", body, fake.moment())])
    await run(recovery)
    assert await Delivery.objects.filter(guid=hooks.guid(1)).acount() == 2
    assert await Delivery.objects.filter(hook_id=organisation.id).acount() == 3


@pytest.mark.full("postgresql")
async def test_the_hook_of_an_app_comes_from_the_detail_of_what_is_missing_alone(
    fake: Github, receiver_url: str
) -> None:
    hook = listing(fake, 5, receiver_url, kind="app", owner=fake_github.APP_ID)
    await database.run(keep, hook, hook.attempts[:3])
    await database.run(discovery.discover)
    await WatchedHook.objects.aupdate(name=fake_github.APP_ID)
    fake.data["/app"] = {"id": int(fake_github.APP_ID)}
    credentials = Credentials("", fake_github.APP_ID, fake_github.private_key())
    recovery = recovering(fake, credentials=credentials)
    for seconds in (2 * HOUR.total_seconds(), 0):  # the list comes before the details, and stays as it is
        fake.faults.listed_before_detail = seconds
        await run(recovery)
    await recovery.client.close()
    assert len([path for path in fake.paths("GET") if path.rpartition("/")[2].isdigit()]) == 2 * 2
    assert await Delivery.objects.filter(hook_id=hook.id).acount() == 5


@pytest.mark.full("postgresql")
async def test_a_detail_of_an_app_that_github_fails_to_show_costs_no_other(
    fake: Github, receiver_url: str
) -> None:
    hook = listing(fake, 7, receiver_url, kind="app", owner="1296269")
    await database.run(keep, hook, hook.attempts[:1])
    fake.data["/app"] = {"id": 1296269}
    recovery = recovering(fake, credentials=Credentials("", fake_github.APP_ID, fake_github.private_key()))
    fake.faults.answer = lambda method, path: (500, {}, b"") if path.rpartition("/")[2].isdigit() else None
    ended = await run(recovery)
    assert "did not answer GET /app/hook/deliveries/" in next(iter(ended.failures))
    details = [path for path in fake.paths("GET") if path.rpartition("/")[2].isdigit()]
    assert len(set(details)) == looking.MAX_UNREADABLE + 1
    answers: dict[str, Answered] = {details[-1]: (500, {}, b""), details[0]: (404, {}, b"{}")}
    fake.faults.answer = lambda method, path: answers.get(path)
    ended = await run(recovery)
    await recovery.client.close()
    assert (ended.done, ended.failed) == (4, 1)
    assert "cannot be read, and were not compared: 2" in next(iter(ended.failures))


@pytest.mark.full("postgresql")
async def test_the_guid_of_a_repository_hook_is_asked_for_from_the_hook_of_an_app_too(
    fake: Github, receiver_url: str
) -> None:
    for fields in ({}, {"kind": "app", "owner": "1296269"}):
        hook = listing(fake, 2, receiver_url, **fields)
        await database.run(keep, hook, hook.attempts[:1])
    fake.data["/app"] = {"id": 1296269}
    both = Credentials(fake_github.TOKEN, fake_github.APP_ID, fake_github.private_key())
    recovery = recovering(fake, credentials=both)
    await run(recovery)
    await recovery.client.close()
    assert await Delivery.objects.filter(guid=hooks.guid(1)).acount() == 2


@pytest.mark.full("postgresql")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_token_that_github_does_not_accept_is_sent_once_and_stops_no_hook_of_an_app(
    method: str, fake: Github, receiver_url: str
) -> None:
    for fields in ({}, {"owner": "octo/dog"}, {"kind": "app", "owner": "1296269"}):
        hook = listing(fake, 2, receiver_url, **fields)
        await database.run(keep, hook, hook.attempts[:1])
    fake.data["/app"] = {"id": 1296269}
    refused: Answered = (401, {}, b"{}")
    fake.faults.answer = lambda sent, path: refused if sent == method and path.startswith("/repos/") else None
    both = Credentials(fake_github.TOKEN, fake_github.APP_ID, fake_github.private_key())
    recovery = recovering(fake, credentials=both)
    ended = await run(recovery)
    await recovery.client.close()
    assert [one.status for one in fake.seen].count(401) == 1
    assert await WatchedHook.objects.filter(error__contains="does not accept").acount() == 2
    assert (ended.done, list(ended.failures.values())) == (1, [2])


@pytest.mark.full("postgresql")
async def test_the_hook_of_another_app_is_refused(fake: Github, receiver_url: str) -> None:
    hook = listing(fake, 1, receiver_url, kind="app", owner="1296269")
    await database.run(keep, hook, hook.attempts)
    fake.data["/app"] = {"id": int(fake_github.APP_ID)}
    credentials = Credentials("", fake_github.APP_ID, fake_github.private_key())
    recovery = recovering(fake, credentials=credentials)
    ended = await run(recovery)
    await recovery.client.close()
    assert f"GITHUB_APP_ID is App {fake_github.APP_ID}" in next(iter(ended.failures))


async def test_where_the_endpoint_cannot_be_reached_the_payload_is_fetched_unsigned(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 3, receiver_url)
    await database.run(keep, hook, hook.attempts[:1], source="acme")
    hook.url = "http://127.0.0.1:9/"
    ended = await run(recovery, fetch=True)
    assert fake.asked == {}
    assert ended.done == 2
    row = await Delivery.objects.aget(guid=hooks.guid(1))
    assert row.unsigned
    assert (row.source, row.hook_id, row.event, row.action) == ("acme", hook.id, "star", "created")
    assert row.headers["X-GitHub-Hook-ID"] == str(hook.id)
    assert not [name for name in row.headers if "Signature" in name]
    missed = await Missed.objects.filter(guid=row.guid).aget()
    assert (missed.state, missed.reason) == ("arrived", "fetched from GitHub's API, unsigned")


@pytest.mark.full("postgresql")
async def test_one_that_github_fails_to_show_costs_no_other(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 8, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    fake.faults.answer = lambda method, path: (500, {}, b"") if path.rpartition("/")[2].isdigit() else None
    assert (await run(recovery, fetch=True)).failed == MAX_SKIPPED + 1
    assert len(fake.seen) == 1 + 2 * (MAX_SKIPPED + 1), "an outage ends it"
    odd = [f"{hook.path}/deliveries/{one.id}" for one in hook.attempts[1:4]]
    shown: list[Answered] = [(422, {}, b""), (500, {}, b"<html>"), (200, {}, b"{}")]
    answers = dict(zip(odd, shown, strict=True))
    fake.faults.answer = lambda method, path: answers.get(path)
    ended = await run(recovery, fetch=True)
    assert (ended.done, ended.failed) == (4, 3)


async def test_the_signed_bytes_take_the_place_of_what_was_fetched(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 2, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    await run(recovery, fetch=True)
    again = await asyncio.to_thread(fake.deliver, hook, hook.attempts[1])
    assert again.status_code == 200
    row = await Delivery.objects.aget(guid=hooks.guid(1))
    assert (row.unsigned, row.body, row.size, row.redeliveries) == (False, STAR, len(STAR), 1)


async def test_while_a_rate_limit_lasts_no_worker_asks_arrivals_are_noted_and_it_can_be_cancelled(
    fake: Github, impatient: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 3, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    fake.limits.limit = 2
    runner = OperationRunner("a test", {Kind.RECOVER: impatient.portion})
    create = partial(operations.create, Kind.RECOVER, {}, "a test", worker=runner.worker)
    operation = await database.run(create)
    running = asyncio.create_task(runner.operate(operation))
    async with asyncio.timeout(30):
        while await states() != {"arrived": 1, "found": 1}:  # noqa: ASYNC110 - the database is waited for
            await asyncio.sleep(0.05)
    assert await Pause.objects.filter(name="api").aexists()
    assert await database.run(operations.cancel, operation.pk, "a test")
    await running
    second = recovering(fake)
    progress = await second.portion(operation)
    await second.client.close()
    assert progress.wait == PACE.arrives_within.total_seconds()
    assert (len(fake.seen), fake.limits.violations) == (2, [])


@pytest.mark.full("postgresql")
async def test_what_arrived_or_was_lost_before_a_rate_limit_is_counted(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 10, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    gone = f"{hook.path}/deliveries/{hook.attempts[6].id}"
    fake.faults.answer = lambda method, path: (404, {}, b"{}") if path.startswith(gone) else None
    # It is reached at the ninth one, in the second portion.
    fake.limits.limit, fake.limits.window = 1 + 8, 0.5
    ended = await run(recovery)
    assert (ended.done, ended.failures) == (8, {FORGOTTEN: 1})


@pytest.mark.full("postgresql")
async def test_at_most_two_deliveries_a_second_are_asked_for(fake: Github, receiver_url: str) -> None:
    hook = listing(fake, 4, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    recovery = recovering(fake, Pace(arrivals_every=0.05))
    await run(recovery)
    await recovery.client.close()
    times = [one.at for one in fake.seen if one.method == "POST"]
    assert len(times) == 3
    assert all(third - first > 1.0 for first, third in zip(times, times[2:], strict=False))


async def test_two_recoveries_at_once_ask_once_and_count_each_arrival_once(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    hook = listing(fake, 12, receiver_url)
    await database.run(keep, hook, hook.attempts[:1])
    ended = await asyncio.gather(run(recovery), run(recovery))
    assert sum(one.done for one in ended) == 11
    assert set(fake.asked.values()) == {1}


@pytest.mark.full("postgresql")
async def test_hooks_take_turns_so_that_github_forgets_nothing_of_one_while_another_is_asked(
    fake: Github, recovery: Recovery, receiver_url: str
) -> None:
    for owner, number in (("octo/cat", 8), ("octo/dog", 2)):
        hook = listing(fake, number, receiver_url, owner=owner)
        await database.run(keep, hook, hook.attempts[:1])
    await run(recovery)
    asked = [path.split("/")[3] for path in fake.paths("POST")]
    assert asked == ["cat"] * PORTION + ["dog"] + ["cat"] * 2


async def test_hooks_are_found_by_what_they_delivered(fake: Github, receiver_url: str) -> None:
    repository = listing(fake, 1, receiver_url)
    sample = fake.hook(owner="octo/sample")
    await database.run(keep, repository, repository.attempts)
    without_target = {"X-GitHub-Hook-Installation-Target-Type": "repository"}
    odd = [Attempt(hooks.guid(5), "star", STAR, fake.moment())]
    await database.run(keep, sample, odd, headers=without_target)
    evil = fake.hook(owner="octo/..")
    await database.run(keep, evil, [Attempt(hooks.guid(6), "star", STAR, fake.moment())])
    await database.run(discovery.discover)
    kinds = {row.hook_id: (row.kind, row.name) async for row in WatchedHook.objects.all()}
    assert kinds == {
        repository.id: (HookKind.REPOSITORY, "octo/cat"),
        sample.id: (HookKind.OTHER, "octo/sample"),
        evil.id: (HookKind.OTHER, "octo/.."),
    }
    assert not await database.run(discovery.discover)


@pytest.mark.parametrize(
    ("kind", "names"), [("organization", ("octo", "squid")), ("repository", ("octo/a", "octo/b"))]
)
async def test_a_hook_whose_owner_was_renamed_is_asked_for_under_the_new_name(
    kind: str, names: tuple[str, str], fake: Github
) -> None:
    hook, last = fake.hook(kind=kind, owner=names[0]), 0
    # The last one was missed before the rename, and is delivered again.
    for place, name in enumerate([*names, names[0]]):
        login = name.partition("/")[0]
        body = STAR.replace(b"{", f'{{"organization": {{"login": "{login}"}}, '.encode(), 1)
        attempt = Attempt(hooks.guid(place), "star", body, fake.moment())
        repository = name if kind == "repository" else f"{login}/cat"
        await database.run(keep, hook, [attempt], repository=repository)
        await database.run(discovery.discover)
        watched = await WatchedHook.objects.aget()
        assert (watched.kind, watched.name, watched.last_delivery > last) == (
            kind,
            names[min(place, 1)],
            True,
        )
        last = watched.last_delivery
        missed = {"attempt": 1, "event": "star", "delivered_at": fake.moment(), "found_at": fake.moment()}
        await Missed.objects.aget_or_create(
            watched=watched, hook_id=hook.id, guid=hooks.guid(2), defaults=missed
        )
