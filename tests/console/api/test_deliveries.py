"""Deliveries in the API: the list with its filters and cursors, one, its runs and its exact body."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from receiver.models import HandlerRun, Outcome, Status, Trigger
from tests.console.api.conftest import Programs
from tests.console.api.programs import items, problem
from tests.console.kept import kept


def test_a_delivery_is_listed_with_string_ids_and_times_in_utc(api: Programs) -> None:
    at = datetime(2026, 11, 25, 21, 56, 59, 123456, tzinfo=UTC)
    row = kept("issues__opened", action="opened", number=12, installation_id=2**60, received_at=at)
    [item] = items(api.reader.get("deliveries"))
    assert item["id"] == str(row.pk)
    assert item["guid"] == str(row.guid)
    assert item["received_at"] == "2026-11-25T21:56:59.123456Z"
    assert (item["hook_id"], item["repository_id"], item["installation_id"]) == ("7", "1296269", str(2**60))
    assert (item["event"], item["action"], item["number"], item["status"]) == (
        "issues", "opened", 12, "received",
    )  # fmt: skip
    assert "body" not in item
    assert "headers" not in item


def test_pages_go_on_until_next_is_null(api: Programs) -> None:
    moment = timezone.now()
    ids = [str(kept(received_at=moment - timedelta(seconds=number // 3)).pk) for number in range(10)]
    found = [item["id"] for item in api.reader.pages("deliveries?limit=3&event=push")]
    assert len(found) == 10
    assert set(found) == set(ids)
    assert json.loads(api.reader.get("deliveries?limit=10").body)["next"] is None


def test_after_lists_in_the_order_of_receipt_and_goes_on_from_an_id(api: Programs) -> None:
    ids = [str(kept().pk) for _ in range(5)]
    assert [item["id"] for item in api.reader.pages("deliveries?after=0&limit=2")] == ids
    assert [item["id"] for item in api.reader.pages(f"deliveries?after={ids[2]}")] == ids[3:]
    for last in (ids[-1], "9" * 19):
        assert items(api.reader.get(f"deliveries?after={last}")) == []


def test_filters_narrow_together(api: Programs) -> None:
    dead = kept(status=Status.DEAD, error="no route to host")
    kept(status=Status.DEAD)
    kept("issues__opened", status=Status.DEAD)
    chosen = items(api.reader.get("deliveries?status=dead&event=push&error=route+NO"))
    assert [item["id"] for item in chosen] == [str(dead.pk)]
    assert items(api.reader.get("deliveries?since=2020-01-01T00:00:00Z&until=1h")) == []


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("statu=dead", "query"),
        ("status=dead&status=received", "query"),
        ("status=lost", "query.status"),
        ("limit=201", "query.limit"),
        ("limit=0", "query.limit"),
        ("since=yesterday", "query.since"),
        ("since=2026", "query.since"),
        ("until=1795706777", "query.until"),
        ("since=", "query.since"),
        ("since=%00", "query.since"),
        ("event=%20", "query.event"),
        ("error=%E3%80%80", "query.error"),
        ("number=-1", "query.number"),
        ("cursor=x", "query.cursor"),
        ("cursor=1-1&after=1", "query.cursor"),
        ("event=%00", "query.event"),
        ("guid=1", "query.guid"),
        ("number=9999999999999999999", "query.number"),
    ],
)
def test_a_wrong_parameter_is_named(query: str, at: str, api: Programs) -> None:
    kept()
    answer = api.reader.get(f"deliveries?{query}")
    assert answer.status == 422
    assert [error["at"] for error in problem(answer)["errors"]] == [at]


def test_one_delivery_has_its_headers_and_its_runs(api: Programs) -> None:
    row = kept()
    HandlerRun.objects.create(
        delivery=row, handler="push.record", attempt=1, trigger=Trigger.DELIVERY, outcome=Outcome.FAILED,
        started_at=timezone.now(), duration=0.25, error="no route", traceback="Traceback ...",
    )  # fmt: skip
    found = json.loads(api.reader.get(f"deliveries/{row.pk}").body)
    assert found["headers"]["X-GitHub-Event"] == "push"
    assert found["content_type"] == "application/json"
    [run] = items(api.reader.get(f"deliveries/{row.pk}/runs"))
    assert (run["handler"], run["outcome"], run["duration"], run["traceback"]) == (
        "push.record", "failed", 0.25, "Traceback ...",
    )  # fmt: skip


def test_the_runs_of_a_delivery_have_pages_oldest_first(api: Programs) -> None:
    row = kept()
    for attempt in range(1, 6):
        HandlerRun.objects.create(
            delivery=row, handler="push.record", attempt=attempt, trigger=Trigger.RETRY,
            outcome=Outcome.FAILED, started_at=timezone.now(), duration=0.25,
        )  # fmt: skip
    path, pages = f"deliveries/{row.pk}/runs?limit=2", []
    while path:
        answer = json.loads(api.reader.get(path).body)
        pages.append([run["attempt"] for run in answer["items"]])
        path = (answer["next"] or "").removeprefix("/api/v1/")
    assert pages == [[1, 2], [3, 4], [5]]
    assert api.reader.get(f"deliveries/{row.pk}/runs?limit=201").status == 422


def test_a_body_is_sent_byte_for_byte_and_no_browser_shows_it(api: Programs) -> None:
    body = b'{"a": "\xc3\xa5\\u0000<script>"}\r\n '
    row = kept(body=body, content_type="application/json; charset=utf-8")
    answer = api.reader.get(f"deliveries/{row.pk}/body")
    assert answer.body == body
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_body_that_is_damaged_is_gone_and_the_rest_is_answered(api: Programs) -> None:
    row = kept()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [b"no frame", row.pk])
    answer = api.reader.get(f"deliveries/{row.pk}/body")
    assert problem(answer)["status"] == 410
    assert "damaged" in problem(answer)["detail"]
    assert api.reader.get(f"deliveries/{row.pk}").status == 200
    assert api.reader.get(f"deliveries/{row.pk}/runs").status == 200
    assert api.operator.post(f"deliveries/{row.pk}/replay").status == 202
    assert api.operator.post("deliveries/replay", {"ids": [str(row.pk)]}).status == 200


@pytest.mark.parametrize(
    "path", ["deliveries/1", "deliveries/1/runs", "deliveries/1/body", "deliveries/9999999999999999999"]
)
def test_what_is_not_there_is_a_problem(path: str, api: Programs) -> None:
    assert problem(api.reader.get(path))["status"] == 404


def test_errors_of_the_framework_are_problems_too(api: Programs) -> None:
    for path in ("nothing", "/api/", "/api"):
        assert problem(api.reader.get(path))["status"] == 404
    for path, allowed in (
        ("deliveries", "GET, HEAD"),
        ("views", "GET, HEAD, POST"),
        ("deliveries/replay", "POST"),
    ):
        wrong = api.reader.send("PUT", path)
        assert problem(wrong)["status"] == 405
        assert wrong.headers["Allow"] == allowed
    assert problem(api.operator.post("deliveries/replay", b"{"))["status"] == 400
    assert problem(api.operator.post("openapi.json", {}))["status"] == 405
    large = b'{"ids": ["' + b"1" * 3_000_000 + b'"]}'
    assert problem(api.operator.post("deliveries/replay", large))["status"] == 413


def test_head_has_the_headers_of_get_and_no_body(api: Programs) -> None:
    row = kept()
    for path in ("deliveries", f"deliveries/{row.pk}", f"deliveries/{row.pk}/body", "deliveries/999999"):
        got, head = api.reader.get(path), api.reader.send("HEAD", path)
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]


def test_a_body_of_another_type_than_json_is_refused_as_such(api: Programs) -> None:
    form = api.operator.post("deliveries/replay", b"ids=1", Content_Type="application/x-www-form-urlencoded")
    assert problem(form)["status"] == 415
    charset = api.operator.post(
        "deliveries/replay", {"ids": ["1"]}, Content_Type="application/json; charset=utf-8"
    )
    assert charset.status == 200
