"""The table of answers in docs/reference/http.md over real HTTP: the status, a JSON error, and no row."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from receiver.models import Delivery
from tests import github
from tests.github import Request
from tests.receiver import raw
from tests.servers import ACME_SECRET, PREVIOUS_SECRET, SECRET

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[Request], None]


def push() -> Request:
    return github.sample("push__branch")


def without(name: str) -> Change:
    def change(request: Request) -> None:
        del request.headers[name]

    return change


def header(name: str, value: str) -> Change:
    return lambda request: request.headers.update({name: value})


def body(content: bytes) -> Change:
    def change(request: Request) -> None:
        request.body = content
        request.headers["X-Hub-Signature-256"] = github.signature(content)

    return change


def form(content: bytes) -> Change:
    def change(request: Request) -> None:
        body(content)(request)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"

    return change


REFUSED: dict[str, tuple[Change, int]] = {
    "signature missing": (without("X-Hub-Signature-256"), 400),
    "SHA-1 in its place": (header("X-Hub-Signature-256", "sha1=" + "0" * 40), 400),
    "signature empty": (header("X-Hub-Signature-256", ""), 400),
    "signature not ASCII": (header("X-Hub-Signature-256", "sha256=" + "é" * 64), 400),
    "signature of another secret": (header("X-Hub-Signature-256", github.signature(b"{}", "guess")), 403),
    "body changed after signing": (lambda request: setattr(request, "body", request.body + b" "), 403),
    "event missing": (without("X-GitHub-Event"), 400),
    "event empty, as GitHub sent it on 31 January 2026": (header("X-GitHub-Event", ""), 400),
    "event with a path in it": (header("X-GitHub-Event", "../push"), 400),
    "guid missing": (without("X-GitHub-Delivery"), 400),
    "guid not a UUID": (header("X-GitHub-Delivery", "42"), 400),
    "guid in braces": (header("X-GitHub-Delivery", f"{{{uuid4()}}}"), 400),
    "hook id not a number": (header("X-GitHub-Hook-ID", "470e3"), 400),
    "hook id out of range": (header("X-GitHub-Hook-ID", "9" * 30), 400),
    "content type text": (header("Content-Type", "text/plain"), 415),
    "content type XML": (header("Content-Type", "application/xml"), 415),
    "body compressed": (header("Content-Encoding", "gzip"), 415),
    "body empty": (body(b""), 400),
    "body cut": (body(b'{"ref": "refs/heads/main"'), 400),
    "body not UTF-8": (body(b'{"ref": "\xff"}'), 400),
    "form without payload": (form(b"other=1"), 400),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_wrong_is_refused_with_a_json_error_and_leaves_no_row(
    case: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    change, status = REFUSED[case]
    request = push()
    change(request)
    async with http.post(
        f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
    ) as answer:
        assert answer.status == status
        assert answer.content_type == "application/json"
        told = await answer.json()
        assert list(told) == ["error"]
        assert told["error"]
        assert SECRET not in await answer.text()
        assert github.signature(request.body) not in await answer.text()
    assert await Delivery.objects.acount() == 0


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/nothing", "/favicon.ico", "/webhooks/github//", "/webhooks/github/%E2%82%AC"]
)
async def test_a_path_that_is_none_is_404_as_json(
    path: str, method: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    async with http.request(method, URL(f"{receiver_url}{path}", encoded=True)) as answer:
        assert answer.status == 404
        assert await answer.json() == {"error": "nothing is here; deliveries go to /webhooks/github"}


async def test_spaces_around_the_value_of_a_header_are_no_part_of_it(receiver_url: str) -> None:
    request = push()
    request.headers = {name: f"\t {value} \t" for name, value in request.headers.items()}
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(raw.head(request) + request.body)
        assert (await raw.answer(reader))[0] == 202
    assert (await Delivery.objects.aget()).headers["X-GitHub-Event"] == "push"


async def test_a_header_that_a_proxy_wrote_twice_counts_once(receiver_url: str) -> None:
    request = push()
    again = [f"{name}: {value}" for name, value in request.headers.items()]
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(raw.head(request, *again) + request.body)
        assert (await raw.answer(reader))[0] == 202
        other = raw.head(push(), "X-GitHub-Event: issues")
        writer.write(other + push().body)
        assert (await raw.answer(reader))[0] == 400
    assert (await Delivery.objects.aget()).headers["X-GitHub-Event"] == "push"


async def test_a_hook_id_that_a_proxy_emptied_is_none(receiver_url: str) -> None:
    request = push()
    request.headers["X-GitHub-Hook-ID"] = ""
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(raw.head(request) + request.body)
        assert (await raw.answer(reader))[0] == 202
    assert (await Delivery.objects.aget()).hook_id == 0


async def test_the_largest_hook_id_is_that_of_the_column(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    for hook_id, status in ((2**63 - 1, 202), (2**63, 400)):
        request = github.sample("push__branch", hook_id=hook_id)
        async with http.post(
            f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
        ) as answer:
            assert answer.status == status
    assert (await Delivery.objects.aget()).hook_id == 2**63 - 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_another_method_is_405_and_names_the_right_one(
    method: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    async with http.request(method, f"{receiver_url}/webhooks/github") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert answer.content_type == "application/json"


@pytest.mark.parametrize("path", ["", "/", "/acme-web", "/acme-web/", f"/{'s' * 64}/"])
async def test_a_delivery_is_accepted_with_and_without_a_slash_and_never_redirected(
    path: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = push()
    async with http.post(
        f"{receiver_url}/webhooks/github{path}",
        data=request.body,
        headers=request.headers,
        allow_redirects=False,
    ) as answer:
        assert answer.status == 202
        assert await answer.json() == {"guid": request.guid, "status": "accepted"}
    assert (await Delivery.objects.aget()).source == path.strip("/")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
)
async def test_the_content_type_may_carry_a_charset_and_any_case(
    content_type: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = push()
    request.headers["Content-Type"] = content_type
    async with http.post(
        f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
    ) as answer:
        assert answer.status == 202


async def test_the_same_guid_and_hook_again_is_a_duplicate_and_counted(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = push()
    answers = []
    for _ in range(3):
        async with http.post(
            f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
        ) as answer:
            answers.append((answer.status, (await answer.json())["status"]))
    assert answers == [(202, "accepted"), (200, "duplicate"), (200, "duplicate")]
    assert (await Delivery.objects.aget()).redeliveries == 2


async def test_one_guid_sent_a_hundred_times_at_once_makes_one_row_and_one_202(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = push()

    async def send() -> int:
        async with http.post(
            f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
        ) as answer:
            return answer.status

    statuses = await asyncio.gather(*(send() for _ in range(100)))
    assert sorted(statuses) == [200] * 99 + [202]
    assert (await Delivery.objects.aget()).redeliveries == 99


async def test_the_same_guid_from_another_hook_is_another_row(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    guid = str(uuid4())
    for hook_id in (1, 2):
        request = github.sample("push__branch", guid=guid, hook_id=hook_id)
        async with http.post(
            f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
        ) as answer:
            assert answer.status == 202
    assert await Delivery.objects.acount() == 2


@pytest.mark.parametrize("status", ["dead", "invalid", "ignored"])
async def test_a_redelivery_of_what_failed_is_processed_again(
    status: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = push()
    for _ in range(2):
        async with http.post(
            f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
        ) as answer:
            assert answer.status == 202
        row = await Delivery.objects.aget()
        assert row.status == "received"
        await Delivery.objects.aupdate(status=status, attempts=8, next_attempt_at=None)


@pytest.mark.parametrize(
    ("source", "secret", "status"),
    [
        ("", SECRET, 202),
        ("", PREVIOUS_SECRET, 202),
        ("", ACME_SECRET, 403),
        ("acme", ACME_SECRET, 202),
        ("ACME", ACME_SECRET, 202),
        ("acme", SECRET, 403),
        ("other", SECRET, 202),
    ],
)
async def test_a_source_with_secrets_of_its_own_takes_those_alone(
    source: str, secret: str, status: int, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = github.sample("push__branch", secret=secret)
    async with http.post(
        f"{receiver_url}/webhooks/github/{source}", data=request.body, headers=request.headers
    ) as answer:
        assert answer.status == status
    positions = [row async for row in Delivery.objects.values_list("source", "secret_position")]
    assert positions == ([(source.lower(), int(secret == PREVIOUS_SECRET))] if status == 202 else [])


async def test_healthz_and_readyz_answer_when_all_is_well(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    async with http.get(f"{receiver_url}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})
    async with http.get(f"{receiver_url}/readyz") as answer:
        assert (answer.status, await answer.json()) == (
            200,
            {"status": "ok", "database": "ok", "redis": "ok"},
        )


async def test_what_github_sent_is_kept_exactly_and_described_beside_it(
    http: aiohttp.ClientSession, receiver_url: str
) -> None:
    request = github.sample("pull_request__opened")
    async with http.post(
        f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
    ) as answer:
        assert answer.status == 202
    row = await Delivery.objects.aget()
    assert row.body == request.body
    assert (str(row.guid), row.hook_id, row.event, row.action) == (
        request.guid,
        470100500,
        "pull_request",
        "opened",
    )
    assert (row.repository_id, row.repository, row.sender) == (
        810200300,
        "harbour-works/tide-tables",
        "bo-lindqvist",
    )
    kept = {name.lower(): value for name, value in row.headers.items()}
    assert kept["x-github-hook-installation-target-type"] == "repository"
    assert kept["user-agent"] == "GitHub-Hookshot/044aadd"
    assert not any("signature" in name for name in kept)
