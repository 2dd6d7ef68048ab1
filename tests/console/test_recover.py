"""`manage.py recover` at a fake GitHub, with a real receiver."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from console.operations import about
from ledger.models import Operation
from receiver.models import Delivery
from tests import fake_github
from tests.fake_github import Attempt, Github, Hook, hooks
from tests.upstream.kept import STAR, keep
from upstream.models import Missed, WatchedHook

# On PostgreSQL too: tests/upstream/test_recovery.py
pytestmark = [pytest.mark.usefixtures("transactional_db"), pytest.mark.once]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _configured(fake: Github, settings: Settings) -> None:
    settings.GITHUB_API_URL, settings.GITHUB_TOKEN = fake.url, fake_github.TOKEN


@pytest.fixture
def hook(fake: Github, receiver_url: str) -> Hook:
    """Return a hook with three deliveries, of which the ledger has one."""
    made = fake.hook(url=f"{receiver_url}/webhooks/github")
    made.attempts = [
        Attempt(hooks.guid(number), "star", STAR, fake.moment() - (3 - number) * HOUR) for number in range(3)
    ]
    keep(made, made.attempts[:1])
    return made


def recover(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("recover", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_what_is_missing_is_delivered_again(fake: Github, hook: Hook) -> None:
    out, _ = recover("octo/cat")
    assert out == "2 missing, 2 arrived\n"
    assert Delivery.objects.count() == 3
    operation = Operation.objects.get()
    assert (operation.kind, operation.done) == ("recover", 2)
    assert "(manage.py)" in operation.requested_by
    assert ("goes back", "6 days, 22:00:00", "") in about(operation)


def test_it_says_what_arrived_though_a_worker_noted_it_and_what_is_not_there_yet(
    fake: Github, hook: Hook
) -> None:
    watched = WatchedHook.objects.create(hook_id=hook.id, kind="repository", name="octo/cat")
    outcomes: tuple[dict[str, Any], ...] = (
        {"state": "arrived", "arrived_at": fake.moment() + HOUR},
        {"state": "asked", "reason": "refused"},
    )
    for attempt, columns in zip(hook.attempts[1:], outcomes, strict=True):
        Missed.objects.create(
            watched=watched, guid=attempt.guid, hook_id=hook.id, attempt=attempt.id, event="star", asks=1,
            delivered_at=attempt.delivered_at, found_at=fake.moment(), asked_at=fake.moment() - HOUR / 2,
            **columns,
        )  # fmt: skip
    out, err = recover("octo/cat")
    assert out == "1 missing, 1 arrived\n"
    assert "1 not there yet" in err
    assert fake.asked == {}


def test_a_dry_run_lists_what_is_missing_and_changes_nothing(fake: Github, hook: Hook) -> None:
    hook.attempts[2].status_code, hook.attempts[2].status = 502, "Bad\x1b[1m Gateway"
    out, _ = recover("octo/cat", "--dry-run")
    lines = out.splitlines()
    assert lines[-1] == "2 missing"
    assert hooks.guid(2) in lines[0]
    assert "star.created" in lines[0]
    assert "502 Bad" in lines[0]
    assert "\x1b" not in out
    assert (fake.asked, Missed.objects.count(), Operation.objects.count()) == ({}, 0, 0)


def test_a_hook_that_a_dry_run_cannot_compare_hides_no_other(fake: Github, hook: Hook) -> None:
    refused = fake.hook()
    keep(refused, hook.attempts)
    fake.faults.answer = lambda method, path: (422, {}, b"") if path == f"{refused.path}/deliveries" else None
    fake.hooks.reverse()
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 of 2 hooks could not be compared"):
        call_command("recover", "octo/cat", "--dry-run", stdout=out, stderr=err)
    assert out.getvalue().splitlines()[-1] == "2 missing"
    assert f"hook {refused.id}: GitHub refused it" in err.getvalue()


def test_since_is_so_long_ago_or_a_time(fake: Github, hook: Hook) -> None:
    for since in ("90m", (fake.moment() - 1.5 * HOUR).isoformat()):
        out, _ = recover("octo/cat", "--dry-run", "--since", since)
        assert out.splitlines()[-1] == "1 missing"


def test_fetch_stores_what_github_shows(fake: Github, hook: Hook) -> None:
    out, _ = recover("octo/cat", "--fetch")
    assert out == "2 missing, 2 arrived\n"
    assert fake.asked == {}
    assert Delivery.objects.filter(unsigned=True).count() == 2


def test_what_is_lost_is_listed_with_guid_event_and_time(fake: Github, hook: Hook) -> None:
    hook.attempts.clear()
    watched = WatchedHook.objects.create(hook_id=hook.id, kind="repository", name="octo/cat")
    Missed.objects.create(
        watched=watched, guid=hooks.guid(7), hook_id=hook.id, attempt=2**60, event="push",
        delivered_at=fake.moment() - timedelta(days=9), found_at=fake.moment() - timedelta(days=9),
    )  # fmt: skip
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 could not be recovered"):
        call_command("recover", "octo/cat", stdout=out, stderr=err)
    assert f"lost: {hooks.guid(7)}" in out.getvalue()
    assert "push GitHub keeps deliveries for 7 days" in out.getvalue()


def test_a_hook_of_which_nothing_came_is_left_out_unless_it_is_named(fake: Github, hook: Hook) -> None:
    other = fake.hook(url="https://me:secret@elsewhere.example/hook?token=secret")
    _, err = recover("octo/cat")
    assert f"hook {other.id}, which sends to elsewhere.example, is left out" in err
    assert "secret" not in err
    assert fake.paths(containing=f"{other.id}/deliveries") == []
    recover("octo/cat", "--hook", str(other.id))
    assert fake.paths(containing=f"{other.id}/deliveries") != []
    with pytest.raises(CommandError, match="has no hook 5"):
        recover("octo/cat", "--hook", "5")


def test_a_hook_that_was_deleted_and_made_again_is_named(fake: Github, hook: Hook) -> None:
    recover("octo/cat")
    fake.hooks.remove(hook)
    again = fake.hook(id=hook.id + 1, url=hook.url)
    keep(again, hook.attempts[:1])
    out, err = recover("octo/cat")
    assert out == "0 missing, 0 arrived\n"
    assert f"hook {hook.id} delivered here, and GitHub does not show it any more" in err


def test_the_hooks_of_an_organisation_and_of_an_app_are_chosen(
    fake: Github, receiver_url: str, settings: Settings
) -> None:
    settings.GITHUB_APP_ID, settings.GITHUB_APP_PRIVATE_KEY = fake_github.APP_ID, fake_github.private_key()
    fake.data["/app"] = {"id": int(fake_github.APP_ID)}
    for number, (kind, owner) in enumerate((("organization", "octo"), ("app", fake_github.APP_ID))):
        made = fake.hook(kind=kind, owner=owner, url=f"{receiver_url}/webhooks/github")
        made.attempts = [Attempt(hooks.guid(number), "star", STAR, fake.moment())]
    assert recover("--org", "octo", "--hook", str(fake.hooks[0].id))[0] == "1 missing, 1 arrived\n"
    assert recover("--app")[0] == "1 missing, 1 arrived\n"
    assert set(Delivery.objects.values_list("hook_id", flat=True)) == {one.id for one in fake.hooks}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of the arguments"),
        (("octo",), "OWNER/NAME"),
        (("octo/cat", "--since", "soon"), "not a time, as"),
        (("octo/dog",), "octo/dog has no hook at GitHub"),
    ],
)
def test_what_cannot_be_meant_is_an_error(hook: Hook, arguments: Any, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        recover(*arguments)


def test_without_a_credential_it_says_how_to_set_one(settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    with pytest.raises(CommandError, match="set GITHUB_TOKEN"):
        recover("octo/cat")
