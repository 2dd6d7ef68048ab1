"""The arithmetic and the load generator of the benchmark; no test measures a speed."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from rich.console import Console

from bench import contenders, delivery, figures, report
from bench.figures import Ratio, Round, Target
from bench.load import Outcome, answered, fire
from receiver.signatures import verify

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> int:
        app = web.Application()
        app.router.add_post("/hook", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port: int = runner.addresses[0][1]
        return port

    yield start
    for runner in runners:
        await runner.cleanup()


async def send(port: int, seconds: float = 0.2) -> Outcome:
    sent = delivery.push()
    return await fire(port, "/hook", sent.headers, sent.body, connections=3, seconds=seconds)


async def test_every_request_is_whole_signed_and_has_a_guid_of_its_own(serve: Serve) -> None:
    guids: list[UUID] = []

    async def check(request: web.Request) -> web.Response:
        verify([delivery.SECRET.encode()], await request.read(), request.headers["X-Hub-Signature-256"])
        guids.append(UUID(request.headers["X-GitHub-Delivery"]))
        return web.json_response({}, status=202)

    outcome = await send(await serve(check))

    assert outcome.accepted == len(guids) == len(set(guids)) > 3
    assert outcome.failed == 0


async def test_statuses_are_counted_and_only_2xx_is_accepted(serve: Serve) -> None:
    answers = iter([200, 202, 403, 503, *([202] * 1_000_000)])

    async def vary(_request: web.Request) -> web.Response:
        return web.Response(status=next(answers))

    outcome = await send(await serve(vary))

    assert (outcome.statuses[200], outcome.statuses[403], outcome.statuses[503]) == (1, 1, 1)
    assert outcome.failed == 2
    assert outcome.accepted == len(outcome.latencies) - 2


async def test_a_latency_spans_the_whole_answer(serve: Serve) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()  # chunked
        await response.prepare(request)
        await response.write(b"the first part")
        await asyncio.sleep(0.05)
        await response.write(b"the last part")
        await response.write_eof()
        return response

    outcome = await send(await serve(slow))

    assert outcome.failed == 0
    assert len(outcome.latencies) == outcome.accepted >= 3
    assert min(outcome.latencies) >= 0.05


async def test_requests_under_way_when_the_time_is_up_are_awaited(serve: Serve) -> None:
    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response()

    outcome = await send(await serve(slow), seconds=0.05)

    assert (outcome.accepted, outcome.failed) == (3, 0)
    assert outcome.seconds >= 0.3


async def test_a_connection_that_ends_without_an_answer_is_lost_and_made_anew(serve: Serve) -> None:
    seen = 0

    async def drop_the_first(request: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        if seen == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    outcome = await send(await serve(drop_the_first))

    assert outcome.lost == 1
    assert outcome.accepted == seen - 1


async def test_nobody_listening_is_a_failure_and_does_not_hang(unused_tcp_port: int) -> None:
    outcome = await send(unused_tcp_port)

    assert (outcome.accepted, outcome.lost) == (0, 3)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}", (202, True)),
        (b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}", (202, False)),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\n{}", None),
        (b"HTTP/1.1 202 Accepted\r\nContent-Le", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", (200, True)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (200, True)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", None),
        (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", (204, True)),
    ],
)
def test_an_answer_ends_where_its_head_says(data: bytes, expected: tuple[int, bool] | None) -> None:
    assert answered(data) == expected


def test_an_answer_of_unknown_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown length"):
        answered(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nok")


def test_the_body_is_a_push_of_the_size_that_was_promised() -> None:
    sent = delivery.push()
    payload = json.loads(sent.body)

    assert abs(len(sent.body) - delivery.SIZE) < 1_000
    assert len({commit["id"] for commit in payload["commits"]}) == len(payload["commits"])
    assert payload["commits"][-1]["id"] == payload["after"]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(values: list[float], share: float, expected: float) -> None:
    assert figures.percentile(values, share) == expected


def test_without_values_there_is_no_percentile() -> None:
    assert math.isnan(figures.percentile([], 0.5))


def rounds(*rates: float) -> list[Round]:
    return [
        Round(
            rate,
            p50=0.01,
            p99=0.02,
            cpu=1e-4,
            backend_cpu=2e-4,
            peak_memory=50_000_000,
            load_share=0.1,
            rest_busy=0.3,
        )
        for rate in rates
    ]


def rates(measured: dict[str, list[Round]]) -> dict[str, list[float]]:
    return {name: [one.rate for one in found] for name, found in measured.items()}


TARGET = Target("a / b", "a", "b", at_least=2, aim=4)


@pytest.mark.parametrize(
    ("over", "under", "expected", "verdict"),
    [
        ([400, 100, 900], [100, 100, 100], 4.0, "aim met"),
        ([200, 200, 200], [100, 50, 100], 2.0, "met"),
        ([199, 10, 1000], [100, 100, 100], 1.99, "not met"),
        # Compared round by round, because a slow machine slows both contenders of a round.
        ([300, 30, 300], [100, 10, 100], 3.0, "met"),
        ([], [100, 100, 100], None, "not measured"),
    ],
)
def test_a_ratio_is_the_median_of_the_rounds_and_judged_by_its_target(
    over: list[float], under: list[float], expected: float | None, verdict: str
) -> None:
    (ratio,) = figures.ratios({"a": over, "b": under}, [TARGET])

    assert (ratio.median, ratio.verdict) == (expected, verdict)


def test_the_middle_of_the_rounds_is_their_median_and_their_highest_peak() -> None:
    found = figures.middle(
        [
            Round(100, 1, 5, 1e-4, 4e-4, 10, 0.1, 0.2),
            Round(300, 2, 4, 3e-4, 6e-4, 30, 0.3, 0.4),
            Round(200, 3, 9, 2e-4, 5e-4, None, 0.2, 0.3),
        ]
    )

    assert found == Round(200, 2, 5, 2e-4, 5e-4, 30, 0.2, 0.3)


def test_a_target_also_compares_requests_per_cpu_second() -> None:
    cheap, dear = rounds(100), [replace(rounds(100)[0], cpu=2e-4)]
    found = figures.ingest({"hookkeeper-postgresql": cheap, "gidgethub-aiohttp": dear, "idle": rounds(0)})
    ratios = {each.target.text: each.median for each in figures.ratios(found, figures.INGEST)}
    assert ratios["durable receiver / gidgethub, keeps nothing"] == 1.0
    assert ratios["durable receiver / gidgethub, per CPU second"] == 2.0


def test_every_target_names_contenders_and_its_own_text() -> None:
    names = contenders.all_contenders(Path()).keys()
    known = {*names, *map(figures.per_cpu, names)}
    assert {name for target in figures.INGEST for name in (target.over, target.under)} <= known
    assert len({target.text for target in figures.INGEST}) == len(figures.INGEST)


def test_what_curl_sends_is_the_same_push_in_ascii_with_few_headers() -> None:
    sent = delivery.curl_push()
    assert json.loads(sent.body) == json.loads(delivery.push().body)
    assert sent.body.isascii()
    assert len(sent.headers) < len(delivery.push().headers)
    verify([delivery.SECRET.encode()], sent.body, sent.headers["X-Hub-Signature-256"])


def test_the_report_shows_every_contender_every_target_and_whether_it_is_met() -> None:
    measured = {"a": rounds(500, 400, 600), "b": rounds(100, 100, 100)}
    screen = Console(width=160, record=True, file=StringIO())
    ratios = [*figures.ratios(rates(measured), [TARGET]), Ratio(Target("a / c", "a", "c", 1, 1), ())]
    screen.print(report.rates(measured, {"a": "SQLite"}), report.targets(ratios))
    text = screen.export_text()

    assert "500" in text
    assert "400 to 600" in text
    assert "aim met" in text
    assert "not measured" in text


def test_a_rate_that_the_harness_held_back_is_called_a_lower_bound() -> None:
    busy = Round(100, 1, 1, 1e-4, 1e-4, None, load_share=0.95, rest_busy=1.0)
    starved = Round(100, 1, 1, 1e-4, 1e-4, None, load_share=0.2, rest_busy=0.97)

    found = report.cautions({"a": [busy], "b": [starved], "c": rounds(100)})

    assert [caution.partition(":")[0] for caution in found] == ["a", "b"]
    assert all("lower bound" in caution for caution in found)


def test_the_document_is_json_and_holds_every_round() -> None:
    measured = {"a": rounds(500, 400), "b": rounds(100, 100)}
    ratios = figures.ratios(rates(measured), [TARGET])

    found = json.loads(json.dumps(report.document({}, {}, measured, {}, ratios)))

    assert [one["rate"] for one in found["contenders"]["a"]["rounds"]] == [500, 400]
    assert found["targets"][0]["rounds"] == [5.0, 4.0]
