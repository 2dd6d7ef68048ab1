"""Pages: every delivery once, newest first, whatever comes in meanwhile; and counts that stop."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import counting, paging
from ledger.counting import Count
from ledger.paging import Key
from receiver.models import Delivery
from tests.console.kept import kept
from tests.texts import CHARACTERS

BEGIN = datetime(2026, 11, 25, 12, tzinfo=UTC)
rows = Delivery.objects.all()


@pytest.fixture
def seven(transactional_db: None) -> list[int]:
    """Ids of seven deliveries, newest first; three of them came at one moment."""
    seconds = [0, 1, 2, 2, 2, 3, 4]
    return [kept(received_at=BEGIN + timedelta(seconds=second)).pk for second in seconds][::-1]


async def test_pages_forth_and_back_show_every_delivery_once(seven: list[int]) -> None:
    page = await paging.newest(rows, size=2)
    assert (page.has_newer, page.has_older) == (False, True)
    forth, back = [page], []
    while page.has_older and page.last:
        page = await paging.before(rows, page.last, size=2)
        forth.append(page)
    assert [row.pk for page in forth for row in page.rows] == seven
    while page.has_newer and page.first:
        page = await paging.after(rows, page.first, size=2)
        back.append(page)
    assert [row.pk for page in back[::-1] for row in page.rows] == seven[:-1]


async def test_a_page_that_starts_at_a_delivery_does_not_move_when_others_come(seven: list[int]) -> None:
    page = await paging.newest(rows, size=3)
    await Delivery.objects.filter(pk=seven[-1]).aupdate(received_at=BEGIN + timedelta(hours=1))
    again = await paging.newest(rows, page.first, size=3)
    assert [row.pk for row in again.rows] == seven[:3]
    assert again.has_newer


async def test_an_empty_page_has_no_neighbours(transactional_db: None) -> None:
    page = await paging.newest(rows)
    assert (page.rows, page.has_newer, page.has_older, page.first, page.last) == (
        [],
        False,
        False,
        None,
        None,
    )


@given(st.integers(0, 10**16), st.integers(1, 10**17))
def test_a_key_survives_its_way_through_a_url(microseconds: int, number: int) -> None:
    key = Key(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds), number)
    assert paging.key(str(key)) == key


@given(st.text(CHARACTERS))
def test_what_is_no_key_is_none_and_never_an_error(text: str) -> None:
    assert paging.key(text) is None or "-" in text


def test_a_key_of_no_calendar_is_none() -> None:
    assert paging.key("99999999999999999-1") is not None
    assert paging.key("999999999999999999-1") is None


@pytest.mark.parametrize(("cap", "expected"), [(6, "6+"), (7, "7"), (8, "7")])
async def test_a_count_stops_at_its_cap(cap: int, expected: str, seven: list[int]) -> None:
    assert str(await counting.capped(rows, cap)) == expected


def test_large_counts_have_separators() -> None:
    assert str(Count(100_000, more=True)) == "100,000+"
