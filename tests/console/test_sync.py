"""`sync`, as people type it, and the button of operators."""

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError
from pytest_django.fixtures import Settings
from redis import Redis

import worker
from ledger.models import Kind, Operation, State
from receiver import queue
from records.models import Issue, Ref
from records.models import Repository as RepositoryRow
from tests import fake_github
from tests.console.conftest import Console
from tests.console.test_commands import run
from tests.fake_github import Github
from tests.fake_github.repository import Repository

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once, pytest.mark.usefixtures("redis")]


@pytest.fixture
def fake(settings: Settings) -> Iterator[Github]:
    with fake_github.running() as running:
        settings.GITHUB_API_URL, settings.GITHUB_TOKEN = running.url, fake_github.TOKEN
        yield running


@pytest.fixture
def cat(fake: Github) -> Repository:
    at = fake.moment() - timedelta(hours=1)
    made = Repository(fake, pushed_at=at)
    made.issue(1, at)
    made.refs = {"refs/heads/main": "a" * 40}
    return made


def test_a_sync_is_an_operation_of_the_one_who_typed_it(cat: Repository) -> None:
    assert run("sync", "octo/cat") == "3 read\n"
    operation = Operation.objects.get()
    assert (operation.kind, operation.state, operation.done) == (Kind.SYNC, State.FINISHED, 3)
    assert operation.requested_by.endswith("(manage.py)")
    assert (Issue.objects.count(), Ref.objects.count()) == (1, 1)


def test_a_part_that_failed_is_reported_and_ends_with_an_error(fake: Github, cat: Repository) -> None:
    del fake.data["/repos/octo/cat/releases"]
    with pytest.raises(CommandError, match="some parts failed; the others are recorded"):
        run("sync", "octo/cat", "--since", "99999d")
    assert Issue.objects.count() == 1


def test_a_repository_that_is_not_shown_is_an_error_with_what_to_do(
    fake: Github, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CommandError, match="NotFoundError: GitHub shows nothing there"):
        run("sync", "octo/none")
    [failed] = [record for record in caplog.records if record.message.startswith("operation failed")]
    assert not failed.exc_info
    assert "GitHub shows nothing there" in failed.message


@pytest.mark.parametrize("name", ["cat", "octo/cat/tom", "octo/{cat}", "https://github.com/octo/cat"])
def test_a_name_that_is_none_is_refused_before_anything_is_sent(fake: Github, name: str) -> None:
    with pytest.raises(CommandError, match="not a repository as owner/name"):
        run("sync", name)
    assert fake.seen == []


def test_without_a_credential_it_says_what_to_set(settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    with pytest.raises(CommandError, match="set GITHUB_TOKEN"):
        run("sync", "octo/cat")
    kinds, _ = worker.work()
    assert "sync" not in kinds


def test_the_button_asks_a_worker_once_and_only_for_operators(console: Console, redis: "Redis") -> None:
    row = RepositoryRow.objects.create(server="127.0.0.1", github_id=7, full_name="octo/cat")
    page = f"/repositories/{row.pk}"
    assert "Sync with GitHub" not in console.viewer.get(page).text
    assert console.viewer.post(f"{page}/sync").status == 403
    key = re.findall(r'name="key" value="(.+?)"', console.operator.get(page).text)[0]
    assert "A worker reads the repository" in console.operator.post(f"{page}/sync", key=key).text
    assert redis.zcard(queue.NAME) == 1
    assert "A sync is under way" in console.operator.post(f"{page}/sync", key=str(uuid4())).text
    operation = Operation.objects.get()
    assert (operation.requested_by, operation.key) == ("operator", UUID(key))
    assert operation.parameters == {"repository": "octo/cat", "since": None}
    reason = "releases: \u202e<b>refused</b>"
    Operation.objects.update(state=State.FINISHED, done=3, failures={reason: 1})
    shown = console.operator.get(page).text
    assert "finished</a>, 3 read, by operator" in shown
    assert "<b>refused" not in shown


def test_a_repository_of_another_server_has_no_button(console: Console) -> None:
    row = RepositoryRow.objects.create(server="github.com", github_id=7, full_name="octo/cat")
    assert "Sync with GitHub" not in console.operator.get(f"/repositories/{row.pk}").text
    answer = console.operator.post(f"/repositories/{row.pk}/sync")
    assert "not at the server of GITHUB_API_URL" in answer.text
    assert not Operation.objects.exists()


def test_a_worker_with_a_credential_runs_syncs(fake: Github) -> None:
    kinds, _ = worker.work()
    assert "sync" in kinds
