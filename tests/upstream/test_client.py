"""The client of GitHub's API, over real sockets."""

import asyncio
import logging
import traceback
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import fake_github
from tests.fake_github import Attempt, Github, Hook, hooks
from tests.upstream.conftest import BACKOFF
from upstream import client as client_module
from upstream import session
from upstream.answers import DeliveryDetail, HookAnswer, ListedDelivery
from upstream.client import Client
from upstream.credentials import Credentials
from upstream.errors import (
    ForbiddenError,
    LimitedError,
    NotConfiguredError,
    NotFoundError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsentError,
)
from upstream.session import Session
from upstream.trails import Trail

HOOK = "/repos/{owner}/{name}/hooks/{hook}"
CAT = {"owner": "octo", "name": "cat"}


def filled(fake: Github, number: int) -> Hook:
    """Return a hook with so many deliveries."""
    hook = fake.hook()
    hook.attempts = [Attempt(hooks.guid(one), "star", b"{}", fake.moment()) for one in range(number)]
    return hook


async def get_hook(client: Client, number: int = 470100500) -> HookAnswer:
    return await client.get(HOOK, HookAnswer, **CAT, hook=number)


async def test_pages_are_followed_to_their_end(fake: Github, client: Client) -> None:
    hook = filled(fake, 250)
    url = f"{hook.path}/deliveries?per_page=100"
    pages = [page async for page in client.pages(url, ListedDelivery)]
    assert [len(page.items) for page in pages] == [100, 100, 50]
    guids = {one.guid for page in pages for one in page.items}
    assert len(guids) == 250


@pytest.mark.parametrize("number", [50, 250])
async def test_pages_that_lead_back_to_one_before_are_an_error(
    number: int, fake: Github, client: Client
) -> None:
    fake.faults.circle = True
    pages = client.pages(f"{filled(fake, number).path}/deliveries?per_page=100", ListedDelivery)
    with pytest.raises(UnexpectedAnswerError, match="leads back to a page"):
        _ = [page async for page in pages]
    assert len(fake.seen) <= 9


def pages_until_the_circle_is_found(first: int, circle: int) -> int:
    trail = Trail()
    for read in count():
        try:
            trail = trail.to(str(read if read < first else first + (read - first) % circle))
        except UnexpectedAnswerError:
            return read
    raise AssertionError


@given(first=st.integers(0, 40), circle=st.integers(1, 40))
def test_a_circle_is_found_wherever_it_begins(first: int, circle: int) -> None:
    assert first + circle <= pages_until_the_circle_is_found(first, circle) <= 3 * (first + circle)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('200 OK\r\nLink: <http://[::1/?page=2>; rel="next"', "[]"),
        ("200 OK\r\nDate: Fri, 31 Dec 9999 23:59:59 -2359", "[]"),
        ("203 Non-Authoritative Information", "<html>"),
        ("203 Non-Authoritative Information", "[" * 100_000),
        ("203 Non-Authoritative Information\r\nContent-Type: application/json; charset=none", "[]"),
        ("301 Moved Permanently\r\nLocation: http://[::1", "{}"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_an_error_that_says_so(head: str, body: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        kind = "" if "Content-Type" in head else "Content-Type: application/json\r\n"
        fields = f"{kind}Content-Length: {len(body)}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {head}\r\n{fields}\r\n\r\n{body}".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Client(Credentials(fake_github.TOKEN), Session(backoff=()), url) as client:
            with pytest.raises(UnexpectedAnswerError, match="cannot be read"):
                await client.page("/repos/octo/cat/hooks", HookAnswer)


async def test_ids_above_2_53_are_exact(fake: Github, client: Client) -> None:
    hook = filled(fake, 1)
    page = await client.page(f"{hook.path}/deliveries", ListedDelivery)
    assert page.items[0].id == hook.attempts[0].id > 2**53
    detail = await client.get(f"{hook.path}/deliveries/{page.items[0].id}", DeliveryDetail)
    assert detail.request.payload == {}


async def test_an_unchanged_list_is_not_sent_again(fake: Github, client: Client) -> None:
    hook = filled(fake, 3)
    url = f"{hook.path}/deliveries"
    page = await client.page(url, ListedDelivery)
    assert (await client.page(url, ListedDelivery, etag=page.etag)).unchanged
    assert fake.seen[-1].status == 304
    hook.attempts.append(Attempt(hooks.guid(9), "star", b"{}", fake.moment()))
    changed = await client.page(url, ListedDelivery, etag=page.etag)
    assert (changed.unchanged, len(changed.items)) == (False, 4)


@pytest.mark.parametrize("fault", ["bad_gateway", "broken", "html", "cut", "slow"])
async def test_a_get_is_repeated_after_an_outage_or_a_broken_answer(fake: Github, fault: str) -> None:
    hook = filled(fake, 1)
    fake.faults.next = [fault, ""]
    fake.faults.slow_for = 3.0
    async with Client(
        Credentials(fake_github.TOKEN), Session(backoff=BACKOFF, answer_within=0.5), fake.url
    ) as client:
        assert (await get_hook(client)).id == hook.id
    assert len(fake.seen) == 2


async def test_a_get_fails_after_the_last_attempt_with_what_went_wrong(fake: Github, client: Client) -> None:
    fake.faults.bad_gateway = 1.0
    with pytest.raises(UnreachableError, match=r"GET /repos/octo/cat/hooks/470100500: 502"):
        await get_hook(client)
    assert len(fake.seen) == 1 + len(BACKOFF)


async def test_a_post_is_sent_once_whatever_becomes_of_it(fake: Github, client: Client) -> None:
    hook = filled(fake, 1)
    for fault in ("bad_gateway", "cut"):
        fake.faults.next = [fault]
        with pytest.raises(UnreachableError):
            await client.post(f"{hook.path}/deliveries/{hook.attempts[0].id}/attempts")
    assert len(fake.seen) == 2


async def test_a_post_that_no_connection_takes_is_repeated_and_says_why(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.api_url = "http://127.0.0.1:9"
    with pytest.raises(UnsentError, match="POST /away: ConnectError: All connection attempts failed"):
        await client.post("/away")
    assert caplog.text.count("repeated method=POST path=/away reason=ConnectError") == len(BACKOFF)


async def test_a_secondary_limit_is_waited_out_by_all_requests_of_the_credential(
    fake: Github, client: Client
) -> None:
    filled(fake, 1)
    fake.limits.secondary_every, fake.limits.secondary_status, fake.limits.grace = 5, 429, 0.5
    await asyncio.gather(*(get_hook(client) for _ in range(8)))
    assert fake.limits.violations == []
    assert 429 in {one.status for one in fake.seen}


async def test_the_primary_limit_is_waited_out_by_the_clock_of_the_server(
    fake: Github, client: Client
) -> None:
    filled(fake, 1)
    fake.skew = 5000.0
    fake.limits.limit, fake.limits.window = 3, 0.1
    for _ in range(5):
        await get_hook(client)
    assert fake.limits.violations == []
    assert {one.status for one in fake.seen} == {200}, "nothing was sent while nothing remained"


async def test_a_limit_beyond_the_patience_is_logged_and_an_error_that_says_when(
    fake: Github, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    filled(fake, 1)
    fake.limits.limit = 1
    async with Client(Credentials(fake_github.TOKEN), Session(patience=5.0), fake.url) as client:
        await get_hook(client)
        with pytest.raises(LimitedError, match=r"ends in 3[0-9]{3} seconds") as caught:
            await get_hook(client)
    assert 3000 < caught.value.seconds <= 3601
    assert "rate limit wait=3" in caplog.text
    assert len(fake.seen) == 1


async def test_at_most_ten_requests_are_under_way(fake: Github, client: Client) -> None:
    filled(fake, 1)
    fake.faults.slow, fake.faults.slow_for = 1.0, 0.1
    await asyncio.gather(*(get_hook(client) for _ in range(30)))
    assert fake.most_at_once == session.MAX_CONCURRENT


async def test_a_renamed_repository_is_found_under_its_new_name(fake: Github, client: Client) -> None:
    hook = filled(fake, 1)
    fake.moved["/repos/octo/kitten"] = "/repos/octo/cat"
    assert (await client.get(HOOK, HookAnswer, owner="octo", name="kitten", hook=hook.id)).id == hook.id
    path = f"/repos/octo/kitten/hooks/{hook.id}/deliveries/{hook.attempts[0].id}/attempts"
    await client.post(path)
    assert fake.asked == {hook.attempts[0].guid: 1}


async def test_a_redirect_to_another_server_gets_no_credential(fake: Github, client: Client) -> None:
    with fake_github.running() as other:
        fake.moved["/repos/octo/cat"] = f"{other.url}/repos/octo/cat"
        with pytest.raises(UnexpectedAnswerError, match=r"another server, 127\.0\.0\.1"):
            await get_hook(client)
        assert other.seen == []


async def test_a_missing_permission_is_named(fake: Github, client: Client) -> None:
    hook = filled(fake, 1)
    fake.tokens[fake_github.TOKEN] = {"webhooks": "read"}
    with pytest.raises(ForbiddenError, match="permission webhooks=write"):
        await client.post(f"{hook.path}/deliveries/{hook.attempts[0].id}/attempts")


async def test_what_is_not_there_and_what_is_not_shown_are_one_error(client: Client) -> None:
    with pytest.raises(NotFoundError, match="may not see it"):
        await get_hook(client, 1)


async def test_no_error_and_no_log_line_holds_the_token(
    fake: Github, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "ghp_wrongButSecret"
    async with Client(Credentials(secret), Session(backoff=(0.01,)), fake.url) as client:
        with pytest.raises(UnauthorizedError, match="does not accept the credential") as caught:
            await get_hook(client)
        fake.faults.next = ["bad_gateway", "cut"]
        with pytest.raises(UnreachableError) as unreachable:
            await get_hook(client)
    for error in (caught.value, unreachable.value):
        assert secret not in "".join(traceback.format_exception(error))
    assert secret not in repr(Credentials(secret, "1", secret))
    assert secret not in caplog.text


async def test_an_app_signs_for_itself_and_uses_one_token_for_each_installation(fake: Github) -> None:
    hook, app = filled(fake, 1), fake.hook(kind="app", owner=fake_github.APP_ID)
    app.attempts = [Attempt(hooks.guid(1), "star", b"{}", fake.moment())]
    credentials = Credentials("", fake_github.APP_ID, fake_github.private_key())
    async with Client(credentials, Session(backoff=BACKOFF), fake.url) as client:
        await asyncio.gather(*(get_hook(client, hook.id) for _ in range(3)))
        await client.page("/app/hook/deliveries", ListedDelivery)
    assert len(fake.paths("POST", "access_tokens")) == 1
    bearers = {one.path for one in fake.seen if one.headers["Authorization"].startswith("Bearer ")}
    assert bearers == {
        "/users/octo/installation",
        "/app/installations/99/access_tokens",
        "/app/hook/deliveries",
    }


@pytest.mark.parametrize("kind", ["repository", "organization"])
async def test_an_app_reads_all_pages_of_a_list(fake: Github, kind: str) -> None:
    hook = fake.hook(kind=kind, owner="octo/cat" if kind == "repository" else "octo")
    hook.attempts = [Attempt(hooks.guid(one), "star", b"{}", fake.moment()) for one in range(3)]
    credentials = Credentials("", fake_github.APP_ID, fake_github.private_key())
    async with Client(credentials, Session(backoff=BACKOFF), fake.url) as client:
        pages = client.pages(f"{hook.path}/deliveries?per_page=2", ListedDelivery)
        assert [len(page.items) async for page in pages] == [2, 1]


@pytest.mark.parametrize("now_has", [None, {"webhooks": "read"}], ids=["revoked", "without a permission"])
async def test_a_token_of_an_installation_that_is_refused_is_replaced(
    fake: Github, now_has: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PERMISSIONS_KNOWN_FOR", 0.0)
    hook = filled(fake, 1)
    path = f"{hook.path}/deliveries/{hook.attempts[0].id}/attempts"
    credentials = Credentials("", fake_github.APP_ID, fake_github.private_key())
    async with Client(credentials, Session(backoff=BACKOFF), fake.url) as client:
        await get_hook(client)
        fake.tokens = {name: now_has for name in fake.tokens if now_has}
        await asyncio.gather(*(client.post(path) for _ in range(3)))
    assert fake.asked == {hook.attempts[0].guid: 3}
    assert len(fake.paths("POST", "access_tokens")) == 2


async def test_a_permission_that_an_installation_lacks_costs_no_new_token_for_each_request(
    fake: Github,
) -> None:
    filled(fake, 1)
    fake.faults.answer = lambda method, path: (403, {}, b"{}") if "hooks" in path else None
    credentials = Credentials("", fake_github.APP_ID, fake_github.private_key())
    async with Client(credentials, Session(backoff=BACKOFF), fake.url) as client:
        for _ in range(3):
            with pytest.raises(ForbiddenError):
                await get_hook(client)
    assert [one.status for one in fake.seen] == [200, 201, 403, 403, 403]


async def test_an_app_that_is_not_installed_is_named(fake: Github) -> None:
    fake.is_installed = False
    app = Credentials("", fake_github.APP_ID, fake_github.private_key())
    async with Client(app, Session(), fake.url) as client:
        with pytest.raises(NotFoundError, match="not installed at octo"):
            await get_hook(client)


async def test_without_a_credential_nothing_is_sent(fake: Github) -> None:
    async with Client(Credentials(), Session(), fake.url) as client:
        with pytest.raises(NotConfiguredError, match="set GITHUB_TOKEN"):
            await get_hook(client)
        with pytest.raises(NotConfiguredError, match="needs the App: set GITHUB_APP_ID"):
            await client.page("/app/hook/deliveries", ListedDelivery)
    assert fake.seen == []


async def test_an_entry_that_is_not_as_documented_costs_none_of_the_others(
    fake: Github, client: Client
) -> None:
    fake.data["/repos/octo/cat/odd"] = [{"id": 1}, {"id": "x"}, {"id": 2}]
    page = await client.page("/repos/octo/cat/odd", HookAnswer)
    assert ([one.id for one in page.items], page.unreadable) == ([1, 2], 1)


def test_texts_of_a_listed_delivery_can_be_stored() -> None:
    moment = "2026-01-01T00:00:00Z"
    texts = {"event": "star\0", "action": "\ud800", "status": "\0"}
    read = ListedDelivery.model_validate({"id": 1, "guid": hooks.guid(1), "delivered_at": moment, **texts})
    assert (read.event, read.action, read.status) == (r"star\u0000", r"\ud800", r"\u0000")


@pytest.mark.parametrize("value", [None, {}, [[]]])
def test_a_value_that_may_be_absent_costs_no_answer(value: object) -> None:
    needed = {"id": 2**63 - 1, "guid": hooks.guid(1), "delivered_at": "2026-01-01T01:00:00.123456+01:00"}
    needed |= {"event": "star", "throttled_at": value}
    odd = dict.fromkeys(("status", "status_code", "action"), value)
    expected = DeliveryDetail.model_validate(needed)
    assert DeliveryDetail.model_validate(needed | odd | {"request": value}) == expected
    sent = {"headers": value, "payload": [value]}
    read = DeliveryDetail.model_validate(needed | {"request": sent}).request
    assert (read.headers, read.payload) == (value if value == {} else None, None)
    assert HookAnswer.model_validate({"id": 1, "events": value and {}, "config": value}) == HookAnswer(id=1)


async def test_an_answer_of_another_shape_is_an_error(fake: Github, client: Client) -> None:
    fake.data["/repos/octo/cat/odd"] = {"message": "hello"}
    with pytest.raises(UnexpectedAnswerError, match="not a list"):
        await client.page("/repos/octo/cat/odd", HookAnswer)
    with pytest.raises(UnexpectedAnswerError, match="not as documented"):
        await client.get("/repos/octo/cat/odd", HookAnswer)
