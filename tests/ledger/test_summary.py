"""What is shown of a reading of the queue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger import summary
from ledger.counting import CAP
from ledger.heartbeats import Heartbeat
from ledger.reading import Due, HeldDelivery, Reading

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
EMPTY = Reading(
    now=NOW, waiting={}, waiting_total=0, oldest=None, settled={}, settled_since=NOW - timedelta(hours=1),
    settled_last_minute=0, held=(), retries=(), dead=0, errors=(), alive=(), redis_error="",
)  # fmt: skip


def held(pk: int, worker: str = "a:1", ends_in: float = 20) -> HeldDelivery:
    return HeldDelivery(pk, worker, "push", "", f"octo/{pk}", NOW + timedelta(seconds=ends_in))


def test_the_headline_has_the_waiting_deliveries_their_age_and_the_rate() -> None:
    reading = replace(EMPTY, waiting_total=1200, oldest=NOW - timedelta(minutes=3), settled_last_minute=90)
    assert summary.headline(reading) == (
        "12:00:00 UTC | 1,200 waiting, the oldest for 3 min | 1.5 settled a second over the last minute"
    )
    assert "nothing waits" in summary.headline(EMPTY)
    more = replace(reading, waiting_total=CAP)
    assert f"about {CAP:,} wait" in summary.headline(more)


def test_counts_are_by_event_and_status_and_the_frequent_come_first() -> None:
    sheet = summary.deliveries(
        replace(
            EMPTY,
            waiting={("received", "push"): 2, ("retrying", "issues"): 1},
            settled={("succeeded", "issues"): 1500, ("dead", "push"): 1},
            held=[held(1), held(2)],
        )
    )
    assert sheet.title == "Deliveries; settled ones since 11:00:00"
    assert sheet.columns == ["event", "received", "processing", "retrying", "succeeded", "dead"]
    assert sheet.rows == [
        ["issues", "0", "0", "1", "1,500", "0"],
        ["push", "2", "2", "0", "0", "1"],
        ["all", "2", "2", "1", "1,500", "1"],
    ]


def test_events_beyond_a_dozen_are_counted_together() -> None:
    sheet = summary.deliveries(replace(EMPTY, waiting={("received", f"event_{n}"): n for n in range(1, 15)}))
    assert [row[:2] for row in sheet.rows[-3:]] == [["event_3", "3"], ["2 more", "3"], ["all", "105"]]


def test_an_idle_queue_has_a_row_of_zeros_and_no_empty_tables() -> None:
    [deliveries, workers] = summary.sheets(EMPTY)
    assert deliveries.rows == [["all", "0", "0", "0"]]
    assert (workers.title, workers.rows) == ("Workers: 0 alive", [])


def test_counts_that_were_cut_short_say_so() -> None:
    reading = replace(EMPTY, waiting={("received", "push"): CAP}, dead=CAP, errors=[("push", "no")])
    assert f"only the first {CAP:,} that wait" in summary.deliveries(reading).title
    assert summary.reasons(reading).title == f"Dead: {CAP:,} or more; reasons of the newest 1,000"


def test_a_worker_is_shown_with_what_it_has_had_the_longest() -> None:
    alive = Heartbeat("a:1", NOW, at_work=900, running={3: 65.0, 2: 1.0})
    sheet = summary.workers(replace(EMPTY, alive=[alive], held=[held(pk) for pk in range(1, 7)]))
    assert sheet.title == "Workers: 1 alive"
    assert sheet.rows == [
        ["a:1", "05-01 12:00:00", "900", "push", "octo/3", "65 s"],
        ["", "", "", "push", "octo/2", "1 s"],
        ["", "", "", "push", "octo/1", ""],
        ["", "", "", "push", "octo/4", ""],
    ]


def test_a_worker_that_is_gone_is_shown_with_the_end_of_its_leases() -> None:
    sheet = summary.workers(replace(EMPTY, held=[held(1), held(2, ends_in=-1)]))
    assert sheet.rows == [
        ["a:1", "gone; leases end", "2", "push", "octo/1", "lease 20 s"],
        ["", "", "", "push", "octo/2", "lease over"],
    ]


def test_without_redis_no_worker_is_reported_as_dead() -> None:
    sheet = summary.workers(replace(EMPTY, held=[held(1)], redis_error="Redis does not answer: refused"))
    assert sheet.title == "Workers: Redis does not answer: refused"
    assert sheet.rows[0][:2] == ["a:1", "unknown"]


def test_a_retry_is_shown_with_its_time_and_the_number_of_its_attempt() -> None:
    due = Due(NOW + timedelta(seconds=90), 2, "issues", "opened", "octo/cat", "record: OSError: no")
    sheet = summary.retries(replace(EMPTY, retries=[due, replace(due, at=NOW)]))
    assert sheet.rows[0] == ["in 90 s", "3", "issues.opened", "octo/cat", "record: OSError: no"]
    assert sheet.rows[1][0] == "now"


def test_deaths_are_of_one_reason_when_only_numbers_and_ids_differ() -> None:
    assert summary.grouped(
        [
            ("push", "record: ValueError: no team 17"),
            ("issues", "record: ValueError: no team 18\nand more"),
            ("push", "record: KeyError: 3f2504e0-4f89-11d3-9a0c-0305e82c3301 at deadbeef7"),
            ("push", ""),
        ]
    ) == [
        ("record: ValueError: no team …", 2, ["issues", "push"]),
        ("record: KeyError: … at …", 1, ["push"]),
        ("(pruned)", 1, ["push"]),
    ]


def test_rare_reasons_are_counted_together() -> None:
    errors = [("push", f"{'x' * n} failed") for n in range(1, 11)]
    sheet = summary.reasons(replace(EMPTY, dead=10, errors=errors))
    assert sheet.title == "Dead: 10"
    assert list(sheet.rows[-1]) == ["2", "2 more reasons", ""]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 days"), (9e6, "104 days")],
)
def test_a_duration_is_shown_in_one_unit(seconds: float, told: str) -> None:
    assert summary.span(seconds) == told
