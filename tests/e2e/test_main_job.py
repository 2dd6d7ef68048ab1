"""The main job, end to end: HTTP to a real receiver, real Redis, a real arq worker, rows in the database."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from redis import Redis

from receiver.models import TERMINAL, Delivery, HandlerRun
from records.models import Commit, Issue, PullRequest, Push, PushCommit, Repository
from tests import github, processes
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def worker_log(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the log of a real worker on the run's database and Redis, for all tests of the module."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with processes.worker(log, DATABASE_URL=database_url):
        yield log


async def post(
    http: aiohttp.ClientSession, url: str, request: github.Request, source: str = ""
) -> tuple[int, dict[str, str]]:
    path = f"/webhooks/github/{source}" if source else "/webhooks/github"
    async with http.post(url + path, data=request.body, headers=request.headers) as response:
        return response.status, await response.json()


async def settled(within: float = 60.0) -> Counter[str]:
    """Wait until all deliveries are terminal; return how many have each status."""
    async with asyncio.timeout(within):
        while True:
            statuses = Counter([status async for status in Delivery.objects.values_list("status", flat=True)])
            if set(statuses) <= TERMINAL:
                return statuses
            await asyncio.sleep(0.02)


async def test_a_signed_push_ends_as_commits_in_the_database(
    http: aiohttp.ClientSession, receiver_url: str, redis: "Redis", worker_log: Path
) -> None:
    sent = github.sample("push__branch")
    assert await post(http, receiver_url, sent) == (202, {"guid": sent.guid, "status": "accepted"})
    assert await settled() == {"succeeded": 1}
    payload = json.loads(sent.body)
    push = await Push.objects.select_related("repository").aget()
    assert (push.repository.github_id, push.repository.full_name) == (810200300, "harbour-works/tide-tables")
    assert (push.ref, push.before, push.after) == (payload["ref"], payload["before"], payload["after"])
    carried = (
        PushCommit.objects.filter(push=push)
        .order_by("position")
        .values_list("commit__sha", "commit__message")
    )
    assert [row async for row in carried] == [
        (commit["id"], commit["message"]) for commit in payload["commits"]
    ]
    run = await HandlerRun.objects.aget()
    assert (run.handler, run.outcome, run.attempt, run.trigger) == ("push.record", "succeeded", 1, "delivery")


@pytest.mark.full  # `make run` starts the same lines, and the fault tests start them with these URLs
@pytest.mark.once
async def test_the_procfiles_three_lines_do_the_same_on_a_new_database(
    http: aiohttp.ClientSession, redis: "Redis", tmp_path: Path
) -> None:
    """Use no embedded server: DATABASE_URL names an empty database, REDIS_URL a Redis."""
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    release, log = tmp_path / "release.log", tmp_path / "log"
    with processes.running(processes.PROCFILE["release"], release, DATABASE_URL=url) as process:
        assert await sync_to_async(process.wait)(processes.STOPS_WITHIN) == 0, release.read_text()
    sent = github.sample("push__branch")
    with (
        processes.receiver(tmp_path / "web.log", DATABASE_URL=url) as address,
        processes.worker(log, DATABASE_URL=url),
    ):
        assert (await post(http, address, sent))[0] == 202
        await sync_to_async(processes.wait_until)(lambda: sent.guid in log.read_text(), "the log line")
    assert "3 of them new | succeeded" in log.read_text()


@pytest.mark.once
async def test_a_processed_delivery_is_one_readable_log_line(
    http: aiohttp.ClientSession, receiver_url: str, redis: "Redis", worker_log: Path
) -> None:
    sent = github.sample("push__branch")
    await post(http, receiver_url, sent)
    await settled()
    await sync_to_async(processes.wait_until)(lambda: sent.guid in worker_log.read_text(), "the log line")
    lines = [line for line in worker_log.read_text().splitlines() if sent.guid in line]
    assert len(lines) == 1
    told = lines[0].split(" | ")
    assert told[0].endswith("push")
    assert told[1:4] == [
        "harbour-works/tide-tables",
        "main pushed with 3 commits, 3 of them new",
        "succeeded",
    ]
    assert told[4].endswith(" ms")


async def test_every_example_of_github_and_every_payload_of_ours_is_processed_or_ignored_as_documented(
    http: aiohttp.ClientSession, receiver_url: str, redis: "Redis", worker_log: Path
) -> None:
    files = sorted(github.PAYLOADS.glob("*.json")) + sorted(github.OCTOKIT.glob("*.json"))
    at_once = asyncio.Semaphore(16)

    async def send(path: Path) -> tuple[str, int]:
        async with at_once:
            status, _ = await post(
                http, receiver_url, github.request(path.name.partition("__")[0], path.read_bytes())
            )
            return path.name, status

    answers = await asyncio.gather(*(send(path) for path in files))
    statuses = await settled()
    assert [answer for answer in answers if answer[1] != 202] == []
    assert sum(statuses.values()) == len(files)
    page = (ROOT / "docs" / "reference" / "records.md").read_text().partition("## Rules")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \|", page, re.M))
    rows = {row async for row in Delivery.objects.values_list("event", "action", "status")}
    assert {event for event, _, _ in rows} == {path.name.partition("__")[0] for path in files}
    for event, action, status in rows:
        wanted = event in listed and (listed[event] in {"all", "(none)"} or f"`{action}`" in listed[event])
        assert status == ("succeeded" if wanted else "ignored"), (event, action)


@pytest.mark.once
async def test_a_form_encoded_delivery_is_processed_like_a_json_one(
    http: aiohttp.ClientSession, receiver_url: str, redis: "Redis", worker_log: Path
) -> None:
    sent = github.sample("push__branch", form=True)
    status, _ = await post(http, receiver_url, sent)
    assert status == 202
    assert await settled() == {"succeeded": 1}
    assert await Commit.objects.acount() == 3
    assert (await Delivery.objects.aget()).body == sent.body


async def test_pull_requests_issues_and_repositories_end_in_the_state_of_their_newest_snapshot(
    http: aiohttp.ClientSession, receiver_url: str, redis: "Redis", worker_log: Path
) -> None:
    cases = [
        "pull_request__closed_merged", "pull_request__synchronize", "pull_request__opened",
        "issues__closed", "issues__edited", "issues__opened",
        "repository__archived", "repository__renamed",
    ]  # fmt: skip
    for case in cases:
        await post(http, receiver_url, github.sample(case))
    assert await settled() == {"succeeded": len(cases)}
    assert (await PullRequest.objects.aget()).state == "merged"
    assert (await Issue.objects.aget()).state == "closed"
    repository = await Repository.objects.aget()
    assert (repository.full_name, repository.archived) == ("harbour-works/tides", True)
