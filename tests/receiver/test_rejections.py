"""Rejections are visible within seconds, bounded in number, and written together."""

import asyncio
import io
from collections import Counter
from datetime import UTC, date, datetime

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from receiver import rejections
from receiver.models import Reason, Rejection, RejectionCount
from receiver.rejections import Refused
from tests import github, processes

pytestmark = pytest.mark.django_db(transaction=True)


# Another day than today, because the run's receiver may refuse something meanwhile.
THEN = datetime(2026, 5, 4, tzinfo=UTC)


def refused(number: int = 0, reason: Reason = Reason.WRONG_SECRET) -> Refused:
    return Refused(THEN, reason, 403, f"number {number}", "192.0.2.7", "", "push", 17)


async def total(reason: str, *, then: bool = False) -> int:
    """Return the count of today, or of the day of `refused`."""
    rows = RejectionCount.objects.filter(reason=reason)
    rows = rows.filter(day=THEN.date()) if then else rows.exclude(day=THEN.date())
    return sum([count async for count in rows.values_list("count", flat=True)])


def save(newest: list[Refused], counts: Counter[tuple[Reason, date]]) -> None:
    rejections._save_newest(newest)
    rejections._save_counts(counts)


def kept() -> list[int]:
    """Return the numbers of the kept rejections, oldest first."""
    ours = Rejection.objects.filter(at=THEN).order_by("pk").values_list("detail", flat=True)
    return [int(detail.removeprefix("number ")) for detail in ours]


async def test_a_wrong_secret_is_seen_in_seconds_with_address_source_event_and_size(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = github.sample("issues__opened", secret="guess")
    url = f"{receiver_url}/webhooks/github/Guesser"  # a delivery of it has the source in lower case
    async with http.post(url, data=request.body, headers=request.headers) as answer:
        assert answer.status == 403
    ours = Rejection.objects.filter(source="guesser")
    async with asyncio.timeout(30):
        # Another process writes them one at a time.
        while not (await ours.aexists() and await total("wrong secret")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    row = await ours.aget()
    assert (row.reason, row.status, row.address, row.event, row.size) == (
        "wrong secret", 403, "127.0.0.1", "issues", len(request.body),
    )  # fmt: skip
    output = io.StringIO()
    await sync_to_async(call_command)("rejections", stdout=output)
    assert "wrong secret" in output.getvalue()
    assert "guesser" in output.getvalue()
    assert github.signature(request.body) not in output.getvalue()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_fits_its_column(reason: Reason) -> None:
    save([refused(reason=reason)], Counter({(reason, THEN.date()): 1}))
    assert Rejection.objects.get(at=THEN).reason == reason


def test_the_last_thousand_are_kept_and_all_are_counted() -> None:
    for start in (0, 700):
        newest = [refused(number) for number in range(start, start + 700)]
        save(newest, Counter({(Reason.WRONG_SECRET, THEN.date()): 700}))
    assert Rejection.objects.count() == 1000
    ours = kept()  # a receiver of another test may add its own at any time
    assert ours == list(range(1400))[-len(ours) :]
    assert RejectionCount.objects.get(day=THEN.date()).count == 1400


def test_a_flood_costs_as_many_statements_as_a_drop() -> None:
    costs = []
    for size in (1, 1000):
        newest = [refused(number) for number in range(size)]
        with CaptureQueriesContext(connection) as statements:
            save(newest, Counter({(Reason.WRONG_SECRET, THEN.date()): size * 50}))
        costs.append(
            len([query for query in statements if "INSERT" in query["sql"] or "UPDATE" in query["sql"]])
        )
    assert costs[1] <= costs[0] + 1000 // 100


async def test_a_flood_is_written_once_a_second_and_what_waits_is_bounded() -> None:
    flood = rejections.Rejections()
    for number in range(5000):
        flood.note(refused(number))
    await flood.close()
    assert await total("wrong secret", then=True) == 5000
    assert await Rejection.objects.acount() == 1000
    assert (await sync_to_async(kept)())[-1] == 4999


async def test_what_the_database_does_not_take_waits_for_the_next_time_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, away = Rejection._meta.db_table, "rejections_away"

    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await sync_to_async(rename)(table, away)
    monkeypatch.setattr(rejections, "MAX_KEPT", 2)
    waiting = rejections.Rejections(write_interval=0.05)
    try:
        waiting.note(refused(0))
        waiting.note(refused(1))
        await asyncio.sleep(0)  # the attempt begins, and fails after the next one arrives
        waiting.note(refused(2))
        await asyncio.sleep(0.2)
    finally:
        await sync_to_async(rename)(away, table)
    async with asyncio.timeout(30):
        while await total("wrong secret", then=True) < 3:  # noqa: ASYNC110 - another thread writes it
            await asyncio.sleep(0.02)
    await waiting.close()
    assert await sync_to_async(kept)() == [1, 2]
    assert [line.partition(" count=")[0] for line in caplog.messages] == ["rejections not written"]


@pytest.mark.full("sqlite")
async def test_a_stopped_receiver_has_written_what_it_refused(
    http: aiohttp.ClientSession, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with processes.receiver(tmp_path_factory.mktemp("r") / "log", DATABASE_URL=database_url) as url:
        for _ in range(7):
            async with http.get(f"{url}/webhooks/github/stopped") as answer:
                assert answer.status == 405
    assert await Rejection.objects.filter(source="stopped").acount() == 7
    assert await total("method") >= 7
