"""What was pruned, as people and programs see it: pages, API, `replay`, `forward`; and `manage.py prune`."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from ledger.models import AggregatedUntil, Operation
from receiver.models import Delivery, Status
from tests.console.conftest import Console
from tests.console.forwarding.targets import Target, serving
from tests.console.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _counted() -> None:
    """Let the statistics have counted all deliveries, as workers do each minute."""
    AggregatedUntil.objects.create(at=timezone.now())


def run(*arguments: str) -> tuple[str, str]:
    output, errors = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


def pruned(status: Status = Status.SUCCEEDED) -> Delivery:
    """Store a delivery whose body was pruned."""
    row = kept(status=status, finished_at=timezone.now())
    Delivery.objects.filter(pk=row.pk).update(body=None)
    return row


def old(days: float) -> Delivery:
    return kept(status=Status.SUCCEEDED, finished_at=timezone.now() - timedelta(days=days))


def test_prune_does_what_a_dry_run_counts_and_nothing_is_left() -> None:
    for days in (29, 31, 91, 401):
        old(days)
    assert run("prune", "--dry-run")[0] == "bodies and tracebacks: 3\ndeliveries and their runs: 2\n"
    assert Delivery.objects.filter(body=None).count() == 0
    assert run("prune")[0] == "6 pruned\n"
    assert Delivery.objects.filter(body=None).count() == 2
    assert run("prune", "--dry-run")[0] == "bodies and tracebacks: 0\ndeliveries and their runs: 0\nkeys: 0\n"
    operation = Operation.objects.get()
    assert (operation.kind, operation.state, operation.done) == ("prune", "finished", 6)
    assert operation.parameters == {"bodies": 30.0, "deliveries": 90.0, "keys": 400.0}


def test_prune_says_when_everything_is_kept_for_ever(settings: Settings) -> None:
    settings.KEEP_BODIES = settings.KEEP_DELIVERIES = settings.KEEP_KEYS = 0.0
    with pytest.raises(CommandError, match="kept for ever"):
        run("prune")


def test_replay_leaves_what_was_pruned_alone_and_says_why() -> None:
    row = pruned(Status.DEAD)
    output, errors = run("replay", str(row.guid))
    assert output == "0 to be processed again\n"
    assert errors == "1 left alone: body pruned, so nothing can run\n"
    _, errors = run("replay", "--inline", str(row.guid))
    assert errors == "1 left alone: body pruned, so nothing can run\n"
    row.refresh_from_db()
    assert row.status == Status.DEAD


def test_forward_says_in_one_line_how_many_bodies_were_pruned() -> None:
    rows = pruned(), pruned()
    target, errors = Target(), io.StringIO()
    with serving(target), pytest.raises(CommandError, match="2 of 2 not accepted"):
        call_command("forward", "--to", target.url, *(str(row.guid) for row in rows), stderr=errors)
    assert errors.getvalue() == "2 not sent: body pruned, as KEEP_BODIES says\n0 forwarded\n"
    assert target.received == []


def test_the_page_of_a_delivery_says_what_was_pruned(console: Console) -> None:
    row = pruned()
    text = console.operator.get(f"/deliveries/{row.pk}").text
    assert "The body was pruned, as <code>KEEP_BODIES</code> says" in text
    assert ">Replay</button>" not in text
    assert "Download the" not in text
    assert "octo/cat" in text
    assert console.operator.get(f"/deliveries/{row.pk}/body").status == 404
    answer = console.operator.post("/deliveries/replay", id=[str(row.pk)])
    assert "1 left alone: body pruned, so nothing can run." in answer.text


def test_the_pages_show_a_delivery_of_which_only_the_key_is_left(console: Console) -> None:
    old(100)
    run("prune")
    row = Delivery.objects.get()
    assert "Only its key is left" in console.operator.get(f"/deliveries/{row.pk}").text
    assert 'title="Pruned: only its key is left">pruned</span>' in console.viewer.get("/deliveries").text


def test_the_button_to_forward_says_that_the_body_was_pruned(console: Console) -> None:
    row = pruned()
    answer = console.operator.post(f"/deliveries/{row.pk}/forward", url="http://169.254.169.254/latest/")
    assert "Not forwarded: its body was pruned." in answer.text
