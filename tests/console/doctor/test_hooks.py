"""What the doctor finds about hooks at GitHub."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from console.doctor import Check, Finding, Status, examine, hooks
from records.models import Hook, Repository
from tests import fake_github
from tests.fake_github import Github
from upstream.answers import HookAnswer
from upstream.models import HookKind, WatchedHook

URL = "https://hooks.example/webhooks/github"
HANDLED = {"push", "issues", "star"}


def hook(code: int | None = 202, **fields: Any) -> HookAnswer:
    config = {"url": URL, "content_type": "json", "insecure_ssl": "0", "secret": "********"}
    config |= fields.pop("config", {})
    answered = {"code": code, "status": "unused" if code is None else "active", "message": "OK"}
    return HookAnswer.model_validate(
        {"id": 7, "events": ["push"], "config": config, "last_response": answered, **fields}
    )


@pytest.mark.parametrize(
    ("found", "status", "seen"),
    [
        (hook(), Status.OK, "handled events that are not sent: 2"),
        (hook(events=["*"]), Status.OK, "all events"),
        (hook(code=None), Status.OK, "active"),
        (hook(config={"insecure_ssl": 0.0, "content_type": "form"}), Status.OK, "active"),
        (None, Status.WRONG, "GitHub does not show it"),
        (hook(active=False), Status.WRONG, "not active"),
        (hook(config={"secret": None}), Status.WRONG, "no secret"),
        (hook(config={"content_type": "xml"}), Status.WRONG, "content type is xml"),
        (hook(config={"insecure_ssl": "1"}), Status.WARNING, "does not verify"),
        (hook(config={"url": "http://hooks.example/webhooks/github"}), Status.WARNING, "without TLS"),
        (hook(config={"url": "https://hooks.example/other"}), Status.WARNING, "sends to"),
        (hook(events=["push", "team"]), Status.WARNING, "no handler wants team"),
        (hook(code=502), Status.WRONG, "answered 502 (OK)"),
        (hook(code=0), Status.WRONG, "not at all"),
    ],
)
def test_each_part_of_a_hook_is_judged(found: HookAnswer | None, status: Status, seen: str) -> None:
    finding = hooks.judged("hook 7", found, HANDLED, "")
    assert finding.status is status
    assert seen in finding.seen
    assert bool(finding.advice) == (status is not Status.OK)


def test_a_hook_with_another_address_than_the_one_that_was_checked_is_a_warning() -> None:
    assert hooks.judged("hook 7", hook(), HANDLED, f"{URL}/").status is Status.OK
    assert hooks.judged("hook 7", hook(), HANDLED, f"{URL}/acme").status is Status.WARNING


@pytest.fixture
def fake(settings: Settings) -> Iterator[Github]:
    with fake_github.running() as running:
        settings.GITHUB_API_URL, settings.GITHUB_TOKEN = running.url, fake_github.TOKEN
        yield running


def found() -> dict[str, Finding]:
    check = Check("hooks", lambda: hooks.check_hooks(""), 30.0)
    return {finding.name: finding for finding in examine([check])}


@pytest.fixture
def cat(transactional_db: None) -> Repository:
    return Repository.objects.create(server="github.com", github_id=1, full_name="octo/cat")


def test_known_hooks_are_read_and_one_owner_that_is_refused_costs_no_other(
    fake: Github, cat: Repository
) -> None:
    fake.skew = 3600.0
    made = fake.hook(url=URL)
    Hook.objects.create(server="github.com", hook_id=made.id, repository=cat)
    Hook.objects.create(server="github.com", hook_id=99, repository=cat)
    Hook.objects.create(server="github.com", hook_id=5, organization="gone", deleted=True)
    fake.data["/orgs/acme/hooks"] = {"message": "odd"}
    Hook.objects.create(server="github.com", hook_id=6, organization="Acme")
    fake.moved["/orgs/Acme/hooks"] = "/orgs/acme/nowhere"
    findings = found()
    assert findings[f"hook {made.id} of octo/cat"].status is Status.OK
    assert "does not show" in findings["hook 99 of octo/cat"].seen
    assert findings["hooks of Acme"].status is Status.WRONG
    assert "60 min behind" in findings["clock: github"].seen
    assert len(findings) == 4


def test_a_hook_that_delivered_without_a_recorded_ping_is_checked_too(fake: Github, cat: Repository) -> None:
    made = fake.hook(url=URL)
    WatchedHook.objects.create(hook_id=made.id, kind=HookKind.REPOSITORY, name="octo/cat")
    WatchedHook.objects.create(hook_id=5, kind=HookKind.ORGANIZATION, name="gone")
    Hook.objects.create(server="github.com", hook_id=5, organization="gone", deleted=True)
    assert f"hook {made.id} of octo/cat" in found()
    assert "hooks of gone" not in found()


def test_a_credential_without_the_permission_is_told_which_it_needs(fake: Github, cat: Repository) -> None:
    fake.tokens[fake_github.TOKEN] = {}
    Hook.objects.create(server="github.com", hook_id=1, repository=cat)
    assert "webhooks=read" in found()["hooks of octo/cat"].advice


def test_the_hook_of_an_app_is_read_with_its_key(fake: Github, cat: Repository, settings: Settings) -> None:
    settings.GITHUB_APP_ID = fake_github.APP_ID
    settings.GITHUB_APP_PRIVATE_KEY = fake_github.private_key()
    fake.data["/app/hook/config"] = {"url": URL, "content_type": "json", "insecure_ssl": "1", "secret": "*"}
    assert found()["hook of the App"].seen == "it does not verify the certificate"


def test_without_a_credential_or_a_hook_it_says_what_is_missing(
    fake: Github, cat: Repository, settings: Settings
) -> None:
    assert "no hook" in found()["hooks"].seen
    settings.GITHUB_TOKEN = ""
    assert "set GITHUB_TOKEN" in found()["hooks"].advice
