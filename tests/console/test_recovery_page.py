"""The page of recovery: what each hook missed, and the operator's button."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from console.recovery import MAX_HOOKS
from ledger.models import Operation
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import Visitor, words
from upstream.models import Missed, Pause, WatchedHook


def missed(hook: WatchedHook, state: str, **changes: object) -> Missed:
    columns = {
        "watched": hook, "guid": uuid4(), "hook_id": hook.hook_id, "attempt": 2**60, "event": "push",
        "delivered_at": timezone.now(), "found_at": timezone.now(), "state": state,
    }  # fmt: skip
    return Missed.objects.create(**{**columns, **changes})


def hook(**changes: object) -> WatchedHook:
    columns = {"hook_id": 470100500, "kind": "repository", "name": "octo/cat", "looked_at": timezone.now()}
    return WatchedHook.objects.create(**{**columns, **changes})


@pytest.mark.once
def test_without_a_credential_the_page_says_how_to_set_one(
    transactional_db: None, other_console_url: str
) -> None:
    operator = Visitor(other_console_url)
    operator.sign_in("operator")
    page = operator.get("/recovery")
    assert page.status == 200
    assert "No credential for GitHub" in page.text
    assert "GITHUB_TOKEN" in page.text
    assert "No credential for GitHub" in operator.post("/recovery").text
    assert Operation.objects.count() == 0


def test_each_hook_shows_what_was_found_asked_arrived_and_lost(console: Console) -> None:
    one = hook(error="GitHub refused <b>it</b>")
    for state, number in (("found", 1), ("asked", 2), ("arrived", 3), ("lost", 4)):
        for _ in range(number):
            missed(one, state, reason="<script>why</script>" if state == "lost" else "", event="pu\u202esh")
    hook(hook_id=7, kind="other", name="", unknown_from=timezone.now() - timedelta(days=9),
         unknown_until=timezone.now() - timedelta(days=6), looked_at=None)  # fmt: skip
    text = console.viewer.get("/recovery").text
    numbers = [f'<td class="number">{number}</td>' for number in (10, 2, 3, 4)]
    assert "".join(numbers) in text
    assert "<b>it</b>" not in text
    assert "<script>why" not in text
    assert "\u202e" not in text
    assert "GitHub had forgotten what it delivered" in text
    assert str(Missed.objects.filter(state="lost").first().guid) in text  # type: ignore[union-attr]
    assert "Look now" not in text, "a viewer starts nothing"


def test_of_many_hooks_those_that_failed_are_shown_first(console: Console) -> None:
    for number in range(MAX_HOOKS):
        hook(hook_id=1000 + number, name=f"octo/r{number:03}")
    assert "There are more hooks" not in console.viewer.get("/recovery").text
    hook(name="octo/z", error="GitHub refused it")
    text = console.viewer.get("/recovery").text
    assert text.index("octo/z") < text.index("octo/r000")
    assert "octo/r099" not in text
    assert "There are more hooks" in text


def test_a_rate_limit_comes_with_the_time_of_its_end(console: Console) -> None:
    for name, until in (("asks", 2), ("api", -1)):
        Pause.objects.create(name=name, until=timezone.now() + timedelta(hours=until))
    assert "rate limit" not in console.viewer.get("/recovery").text
    Pause.objects.filter(name="api").update(until=timezone.now() + timedelta(hours=1, seconds=20))
    text = words(console.viewer.get("/recovery").text)
    assert "rate limit is used up. Workers go on in 60 min" in text


def test_an_operator_looks_at_one_hook_or_all_and_may_fetch(console: Console) -> None:
    one = hook()
    operator = console.operator
    page = operator.post("/recovery", hook=one.pk)
    operation = Operation.objects.get()
    assert page.url == f"{console.url}/operations/{operation.pk}", "its progress is there"
    assert "A worker looks for missed deliveries now." in page.text
    assert "470100500 of repository octo/cat" in page.text
    assert "Done means arrived" in page.text
    assert (
        f'href="/operations/{operation.pk}">Recovery {operation.pk}</a> is queued'
        in console.viewer.get("/recovery").text
    )
    operator.post("/recovery")
    operator.post("/recovery", hook=one.pk, fetch="1")
    found = [(row.parameters["hooks"], row.parameters["fetch"]) for row in Operation.objects.order_by("pk")]
    assert found == [([one.pk], False), (None, False), ([one.pk], True)]
    assert {row.requested_by for row in Operation.objects.all()} == {"operator"}
    assert console.viewer.post("/recovery", hook=one.pk).status == 403
    assert operator.post("/recovery", csrf=False, hook=one.pk).status == 403
    assert operator.post("/recovery", hook=one.pk + 1).status == 404
    assert Operation.objects.count() == 3


def test_a_form_that_is_sent_twice_starts_one_look(console: Console) -> None:
    one = hook()
    keys = re.findall('name="key" value="([^"]+)"', console.operator.get("/recovery").text)
    assert len(keys) == 2, "each form has one"
    for _ in range(2):
        console.operator.post("/recovery", key=keys[0])
        console.operator.post("/recovery", key=keys[1], hook=one.pk)
    assert Operation.objects.count() == 2


def test_lost_deliveries_come_with_what_to_do(console: Console) -> None:
    missed(hook(), "lost")
    assert (
        "a sync of the repository records what they would have changed"
        in console.viewer.get("/recovery").text
    )


def test_an_unsigned_delivery_is_named_so_wherever_it_is_shown(console: Console) -> None:
    kept(unsigned=False)
    assert "unsigned" not in console.viewer.get("/deliveries").text
    row = kept(unsigned=True)
    assert "unsigned" in console.viewer.get("/deliveries").text
    text = console.viewer.get(f"/deliveries/{row.pk}").text
    assert "fetched from GitHub&#x27;s API" in text
    assert "not the exact bytes" in text
    assert "signed with the first secret" not in text
