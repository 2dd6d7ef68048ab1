"""Filters: from a URL to deliveries, and back to a URL."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
from django.db.models import Q
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from ledger import filters
from ledger.filters import CONDITIONS, Filter, InvalidFilterError
from ledger.models import Replay
from receiver.models import HandlerRun, Outcome, Status, Trigger
from tests.console.kept import kept
from tests.texts import CHARACTERS

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def found(**parameters: str) -> list[str]:
    chosen = filters.parse(parameters, timezone.now())
    return sorted(filters.deliveries(chosen).values_list("sender", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["ada", "bob"]),
        ({"status": "dead"}, ["bob"]),
        ({"event": "issues"}, ["bob"]),
        ({"action": "opened"}, ["bob"]),
        ({"repository": "octo/dog"}, ["bob"]),
        ({"repository": "Octo/DOG"}, ["bob"]),
        ({"repository": "octo/dog", "number": "12"}, ["bob"]),
        ({"number": "13"}, []),
        ({"sender": "ada"}, ["ada"]),
        ({"source": "acme"}, ["bob"]),
        ({"source": "ACME"}, ["bob"]),
        ({"source": "-"}, ["ada"]),
        ({"hook": "8"}, ["bob"]),
        ({"handler": "issues.record"}, ["bob"]),
        ({"handler": "issues"}, []),
        ({"operation": "5"}, ["bob"]),
        ({"operation": "6"}, []),
        ({"error": "route NO"}, ["bob"]),
        ({"error": "no way"}, []),
        ({"since": "1h"}, ["ada"]),
        ({"until": "1h"}, ["bob"]),
        ({"event": "issues", "sender": "ada"}, []),
        ({"page": "7", "status": "", "event": " "}, ["ada", "bob"]),
    ],
)
def test_each_filter_narrows_the_choice(parameters: dict[str, str], expected: list[str]) -> None:
    kept()
    dead = kept(
        "issues__opened", action="opened", repository="octo/dog", number=12, sender="bob", source="acme",
        hook_id=8, status=Status.DEAD, error="issues.record: OSError: no route 100%",
        received_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    HandlerRun.objects.create(
        delivery=dead, handler="issues.record", attempt=1, trigger=Trigger.DELIVERY, outcome=Outcome.FAILED,
        started_at=timezone.now(), duration=0.1,
    )  # fmt: skip
    Replay.objects.create(delivery=dead, operation_id=5, by="ada")
    assert found(**parameters) == expected


@pytest.mark.django_db
def test_a_guid_finds_the_deliveries_of_all_its_hooks() -> None:
    guid = uuid4()
    kept(guid=guid, sender="one")
    kept(guid=guid, hook_id=8, sender="two")
    kept()
    assert found(guid=str(guid)) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "value", "must"),
    [
        ("status", "gone", "status must be one of received, "),
        ("hook", "seven", "hook must be a number"),
        ("hook", "9" * 19, "hook must be a number"),
        ("number", "-1", "number must be a number"),
        ("operation", "9" * 19, "operation must be a number"),
        ("guid", "b39322f1", "guid must be a GUID"),
        ("since", "yesterday", "since must be a time"),
        ("since", "99999999h", "since must be a time"),
        ("until", "0001-01-01T00:00+14:00", "until must be a time"),
        ("sender", "a\0b", "sender must be text that a database can store"),
        ("sender", "a\ud800", "sender must be text that a database can store"),
        ("event", "a" * 1_001, "event must be at most 1000 characters"),
        ("error", "a " * 31, "error must be at most 30 words"),
    ],
)
def test_what_cannot_be_a_filter_says_what_it_must_be(name: str, value: str, must: str) -> None:
    with pytest.raises(InvalidFilterError, match=must):
        filters.parse({name: value}, NOW)


@pytest.mark.parametrize("blank", ["", " ", "\t\N{IDEOGRAPHIC SPACE}"])
def test_a_blank_value_is_left_out_of_a_form_and_refused_from_a_program(blank: str) -> None:
    assert not filters.parse({"event": blank}, NOW)
    with pytest.raises(InvalidFilterError, match="event must be a text that is not blank"):
        filters.exact({"status": "dead", "event": blank}, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T11:00", "2026-11-25T11:00:00Z", "2026-11-25t11:00:00z", "2026-11-25 12:00+01:00",
        "2026-11-25 11:00:00 UTC", "1h", "60m",
    ],
)  # fmt: skip
def test_a_time_is_iso_8601_in_utc_or_so_long_ago(text: str) -> None:
    chosen = filters.parse({"since": text}, NOW)
    assert chosen.condition == Q(received_at__gte=NOW - timedelta(hours=1))


@given(
    st.dictionaries(
        st.sampled_from(["event", "action", "sender", "repository"]), st.text(CHARACTERS, min_size=1)
    )
)
def test_a_filter_is_its_url_and_without_its_names_it_is_empty(parameters: dict[str, str]) -> None:
    try:
        chosen = filters.parse(parameters, NOW)
    except InvalidFilterError:
        assert any("\0" in value for value in parameters.values())
        return
    if any("\ud800" <= char <= "\udfff" for value in parameters.values() for char in value):
        return
    assert filters.parse(dict(parse_qsl(chosen.query)), NOW) == chosen
    for name in list(chosen.chosen):
        assert name not in dict(parse_qsl(chosen.without(name)))
        assert dict(parse_qsl(chosen.adding(name, "x")))[name] == "x"


def test_no_filter_is_false() -> None:
    assert not filters.parse({}, NOW)
    assert isinstance(filters.parse({"event": "push"}, NOW), Filter)
    assert next(iter(CONDITIONS)) == "status"
