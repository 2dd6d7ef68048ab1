"""Changes of one issue or pull request in one second end the same in every order of delivery."""

import asyncio
import copy
from itertools import count, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.models import (
    CheckSuite,
    Discussion,
    DiscussionComment,
    Issue,
    IssueComment,
    Label,
    Milestone,
    PullRequest,
    PullRequestReview,
    Release,
    ReviewComment,
)
from tests import github, servers
from tests.handlers.context import handle

# Which of two snapshots is newer is decided before the database is asked; the histories run on PostgreSQL.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

SECOND, BEFORE = "2026-05-04T09:00:00Z", "2026-05-04T08:00:00Z"
MODELS = {"issues": Issue, "pull_request": PullRequest}
PARTS = {"issues": "issue", "pull_request": "pull_request"}
numbers = count(1000)
Payload = dict[str, Any]


def of_one_second(event: str, actions: list[str]) -> list[Payload]:
    """Return payloads of one second in order: labels accumulate, `closed` and `reopened` set the state."""
    number, payloads = next(numbers), []
    began = {"state": "closed", "closed_at": BEFORE} if "reopened" in actions else {"state": "open"}
    state: Payload = {"closed_at": None, "labels": [], "assignees": [], "milestone": None, "locked": False}
    state |= began
    for place, action in enumerate(actions):
        payload = github.payload(f"{event}__opened") | {"action": action}
        if action == "labeled":
            payload["label"] = {"name": f"label {place}"}
            state["labels"] = [*state["labels"], payload["label"]]
        elif action == "assigned":
            payload["assignee"] = {"login": f"user-{place}"}
            state["assignees"] = [*state["assignees"], payload["assignee"]]
        elif action == "edited":
            payload["changes"] = {"title": {"from": f"title {state.get('titles', 0)}"}}
            state["titles"] = 1
        elif action == "closed":
            # GitHub may write the row of an issue a second after it closed it.
            state |= {"state": "closed", "closed_at": BEFORE if "locked" in actions else SECOND}
        elif action == "reopened":
            state |= {"state": "open", "closed_at": None}
        elif action == "milestoned":
            payload["milestone"] = state["milestone"] = {"title": "M"}
        elif action == "locked":
            state["locked"] = True
        payload[PARTS[event]] |= {
            **state, "number": number, "title": f"title {state.get('titles', 0)}", "updated_at": SECOND
        }  # fmt: skip
        payloads.append(copy.deepcopy(payload))
    return payloads


@st.composite
def seconds(draw: st.DrawFn) -> list[str]:
    """Draw an optional opening, up to four changes, and a closing, a reopening or an edit among them."""
    changes = draw(st.lists(st.sampled_from(["labeled", "assigned"]), min_size=1, max_size=2))
    changes += draw(st.lists(st.sampled_from(["milestoned", "locked"]), max_size=2, unique=True))
    changes.insert(
        draw(st.integers(0, len(changes))), draw(st.sampled_from(["closed", "reopened", "edited"]))
    )
    opening = [] if "reopened" in changes else draw(st.sampled_from([[], ["opened"]]))
    return [*opening, *changes]


async def ends(event: str, payloads: list[Payload]) -> tuple[Any, ...]:
    for payload in payloads:
        await handle(event, payload)
    number = payloads[0][PARTS[event]]["number"]
    row: Any = await MODELS[event]._default_manager.aget(number=number)
    await MODELS[event]._default_manager.all().adelete()
    return row.state, row.labels, row.assignees, row.title, row.milestone, row.locked


@pytest.mark.parametrize("event", MODELS)
@given(actions=seconds(), data=st.data())
@settings(max_examples=servers.examples(8, 50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_happened_in_one_second_is_ordered_by_what_it_changed(
    event: str, actions: list[str], data: st.DataObject
) -> None:
    history = of_one_second(event, actions)
    arrivals = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=3))))
    in_order = asyncio.run(ends(event, history))
    assert asyncio.run(ends(event, arrivals)) == in_order


def snapshot(event: str, action: str, **changes: Any) -> Payload:
    payload = github.payload(f"{event}__edited") | {"action": action, "changes": {}}
    payload[PARTS[event]] |= {"number": 7, "updated_at": SECOND, **changes}
    return payload


@pytest.mark.parametrize("event", MODELS)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_labeled_before_and_reopened_in_one_second_is_open_in_both_orders(
    event: str, order: tuple[int, ...]
) -> None:
    told = [
        snapshot(event, "labeled", state="closed", closed_at=BEFORE),
        snapshot(event, "reopened", state="open", closed_at=None),
    ]
    for place in order:
        await handle(event, told[place])
    row: Any = await MODELS[event]._default_manager.aget()
    assert row.state == "open"


@pytest.mark.parametrize("event", MODELS)
async def test_closed_and_reopened_in_one_second_ends_as_the_last_arrival_of_the_two(event: str) -> None:
    told: dict[str, Payload] = {
        "closed": {"state": "closed", "closed_at": SECOND},
        "reopened": {"state": "open", "closed_at": None},
    }
    for action in ("closed", "reopened", "closed"):
        await handle(event, snapshot(event, action, **told[action]))
        row: Any = await MODELS[event]._default_manager.aget()
        assert row.state == told[action]["state"]


@pytest.mark.parametrize("event", MODELS)
async def test_what_shows_the_end_that_a_reopening_of_its_second_left_is_older(event: str) -> None:
    for action, state in (("closed", "closed"), ("reopened", "open"), ("labeled", "closed")):
        await handle(
            event, snapshot(event, action, state=state, closed_at=SECOND if state == "closed" else None)
        )
    row: Any = await MODELS[event]._default_manager.aget()
    assert row.state == "open"


@pytest.mark.parametrize("event", MODELS)
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_closing_does_not_take_what_another_action_of_its_second_added_or_turned(
    event: str, order: tuple[int, ...]
) -> None:
    told = [
        snapshot(event, "labeled", labels=[{"name": "x"}]) | {"label": {"name": "x"}},
        snapshot(event, "closed", state="closed", closed_at=SECOND, labels=[], milestone=None),
        snapshot(event, "milestoned", milestone={"title": "M"}, labels=[{"name": "x"}]),
    ]
    for place in order:
        await handle(event, told[place])
    row: Any = await MODELS[event]._default_manager.aget()
    assert (row.state, row.labels, row.milestone) == ("closed", ["x"], "M")


async def test_a_milestone_that_was_opened_again_is_not_closed_by_an_edit_of_its_second() -> None:
    for action, state in (("closed", "closed"), ("opened", "open"), ("edited", "closed")):
        payload = github.payload("milestone__closed") | {"action": action}
        payload["milestone"] |= {"state": state, "updated_at": SECOND, "closed_at": BEFORE}
        await handle("milestone", payload)
    assert (await Milestone.objects.aget()).state == "open"


async def test_a_closed_issue_stays_closed_on_a_server_that_sends_no_closing_time() -> None:
    for action, state in (("closed", "closed"), ("labeled", "open")):
        payload = snapshot("issues", action, state=state)
        payload["issue"].pop("closed_at", None)
        await handle("issues", payload)
    assert (await Issue.objects.aget()).state == "closed"


EDITED = {
    "issue_comment": ("comment", "body", IssueComment),
    "pull_request_review_comment": ("comment", "body", ReviewComment),
    "discussion_comment": ("comment", "body", DiscussionComment),
    "pull_request_review": ("review", "body", PullRequestReview),
    "issues": ("issue", "title", Issue),
    "pull_request": ("pull_request", "title", PullRequest),
    "discussion": ("discussion", "title", Discussion),
    "milestone": ("milestone", "title", Milestone),
    "label": ("label", "name", Label),
    "release": ("release", "name", Release),
}


BASES = {"discussion": "discussion__created"}


@pytest.mark.parametrize("event", EDITED)
async def test_an_edit_that_names_no_change_is_newer_than_the_edit_of_its_second_before(event: str) -> None:
    part, field, model = EDITED[event]
    told = []
    for former, text in (("one", "two"), (None, "three")):
        payload = github.payload(BASES.get(event, f"{event}__edited")) | {"action": "edited"}
        payload["changes"] = {field: {"from": former}} if former else {}
        payload[part] |= {field: text, "updated_at": SECOND}
        told.append(payload)
    for payload in (*told, told[0]):
        await handle(event, payload)
    assert getattr(await model._default_manager.aget(), field) == "three"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_base_that_an_edit_replaced_in_one_second_does_not_come_back(order: tuple[int, ...]) -> None:
    told = [snapshot("pull_request", "labeled")]
    for before, after in (("main", "next"), ("next", "v2")):
        payload = snapshot("pull_request", "edited")
        payload["changes"] = {"base": {"ref": {"from": before}, "sha": {"from": "a" * 40}}}
        payload["pull_request"]["base"]["ref"] = after
        told.append(payload)
    for place in order:
        await handle("pull_request", told[place])
    assert (await PullRequest.objects.aget()).base_ref == "v2"


BOTH = ["issues", "pull_request"]
TURNS = [
    (["labeled", "milestoned"], {}, {"milestone": {"title": "M"}}, "milestone", "M", BOTH),
    (
        ["demilestoned", "milestoned"],
        {"milestone": None},
        {"milestone": {"title": "N"}},
        "milestone",
        "N",
        BOTH,
    ),
    (["labeled", "demilestoned"], {"milestone": {"title": "M"}}, {"milestone": None}, "milestone", "", BOTH),
    (["assigned", "locked"], {"locked": False}, {"locked": True}, "locked", True, BOTH),
    (["assigned", "unlocked"], {"locked": True}, {"locked": False}, "locked", False, BOTH),
    (["labeled", "ready_for_review"], {"draft": True}, {"draft": False}, "draft", False, BOTH[1:]),
    (["labeled", "converted_to_draft"], {"draft": False}, {"draft": True}, "draft", True, BOTH[1:]),
]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1, 0)], ids=str)
@pytest.mark.parametrize(
    ("event", "actions", "before", "after", "field", "value"),
    [(event, *rest) for *rest, events in TURNS for event in events],
)
async def test_what_an_action_turned_in_one_second_is_not_turned_back_by_what_was_before(
    event: str,
    actions: list[str],
    before: Payload,
    after: Payload,
    field: str,
    value: Any,
    order: tuple[int, ...],
) -> None:
    told = [snapshot(event, action, **part) for action, part in zip(actions, (before, after), strict=True)]
    if actions[1] == "demilestoned":
        told[1]["milestone"] = {"title": "M"}
    for place in order:
        await handle(event, told[place])
    row: Any = await MODELS[event]._default_manager.aget()
    assert getattr(row, field) == value


@pytest.mark.parametrize("order", [*permutations(range(4)), (3, 1, 3, 2, 0, 1)], ids=str)
async def test_any_number_of_edits_of_one_second_ends_with_the_last_in_every_order(
    order: tuple[int, ...],
) -> None:
    told = [github.payload("issue_comment__created")]
    for before, after in (("one", "two"), ("two", "three"), ("three", "four")):
        payload = github.payload("issue_comment__edited") | {"changes": {"body": {"from": before}}}
        payload["comment"]["body"] = after
        told.append(payload)
    for payload in told:
        payload["comment"]["updated_at"] = SECOND
    for place in order:
        await handle("issue_comment", told[place])
    row = await IssueComment.objects.aget()
    assert (row.body, "texts" in row.changes) == ("four", False)


REMOVED = {
    "labels": ("labeled", "unlabeled", "label", {"name": "late"}),
    "assignees": ("assigned", "unassigned", "assignee", {"login": "wren"}),
    "requested_teams": ("review_requested", "review_request_removed", "requested_team", {"slug": "t"}),
}


@pytest.mark.parametrize("field", REMOVED)
async def test_what_is_gone_from_its_repository_is_removed_though_the_payload_does_not_name_it(
    field: str,
) -> None:
    # https://github.com/octokit/webhooks/issues/639. The deletion of a label need not update its issues.
    verb, reverse, part, value = REMOVED[field]
    before = snapshot("pull_request", "edited", **{field: []}, updated_at=BEFORE)
    adding = snapshot("pull_request", verb, **{field: [value]}) | {part: value}
    late = snapshot("pull_request", "edited", **{field: [value]})
    removal = snapshot("pull_request", reverse, **{field: []})
    for payload in (before, adding, removal, late, removal, adding):
        await handle("pull_request", payload)
    assert getattr(await PullRequest.objects.aget(number=7), field) == []


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_labels_that_were_added_between_heads_of_one_second_are_all_there(
    order: tuple[int, ...],
) -> None:
    told = []
    for action, head, labels in (
        ("labeled", "b", ["x"]),
        ("synchronize", "c", ["x"]),
        ("labeled", "c", ["x", "y"]),
        ("synchronize", "d", ["x", "y"]),
    ):
        payload = snapshot("pull_request", action, labels=[{"name": name} for name in labels])
        payload["pull_request"]["head"]["sha"] = head * 40
        what = {"label": {"name": labels[-1]}} if action == "labeled" else {"before": chr(ord(head) - 1) * 40}
        told.append(payload | what)
    for place in order:
        await handle("pull_request", told[place])
    row = await PullRequest.objects.aget()
    assert (row.head_sha, sorted(row.labels)) == ("d" * 40, ["x", "y"])


async def test_a_check_suite_that_is_requested_again_in_the_second_of_its_end_is_under_way() -> None:
    for action, status in (("requested", "queued"), ("completed", "completed"), ("rerequested", "queued")):
        payload = github.payload("check_suite__completed") | {"action": action}
        payload["check_suite"] |= {"status": status, "updated_at": SECOND}
        await handle("check_suite", payload)
    assert (await CheckSuite.objects.aget()).status == "queued"


X, M = {"label": {"name": "x"}}, {"milestone": {"title": "M"}}
OFF: Payload = {"state": "open", "closed_at": None, "labels": [], "locked": False, "milestone": None}
# By field: an action, what it shows, its reverse, the further part of both, and the field before and after.
THERE_AND_BACK: dict[str, tuple[str, Payload, str, Payload, list[Any]]] = {
    "state": ("closed", {"state": "closed", "closed_at": SECOND}, "reopened", {}, ["open", "closed"]),
    "labels": ("labeled", {"labels": [X["label"]]}, "unlabeled", X, [[], ["x"]]),
    "locked": ("locked", {"locked": True}, "unlocked", {}, [False, True]),
    "milestone": ("milestoned", M, "demilestoned", M, ["", "M"]),
}


async def in_the_order(event: str, told: list[Payload], order: tuple[int, ...]) -> Any:
    """Delete all rows, handle the payloads in an order, and return their row."""
    await MODELS[event]._default_manager.all().adelete()
    for place in order:
        await handle(event, told[place])
    return await MODELS[event]._default_manager.aget()


@pytest.mark.parametrize("event", MODELS)
@pytest.mark.parametrize("field", THERE_AND_BACK)
async def test_what_came_and_went_in_one_second_is_as_it_was_before(event: str, field: str) -> None:
    turned, shown, back, part, values = THERE_AND_BACK[field]
    there, gone = snapshot(event, turned, **OFF | shown) | part, snapshot(event, back, **OFF) | part
    for reverse in (False, True):
        began = snapshot(event, "edited", **OFF | (shown if reverse else {}) | {"updated_at": BEFORE})
        told = [began, gone, there] if reverse else [began, there, gone]
        for order in [(0, 1, 2), (0, 2, 1), (2, 0, 1), (0, 1, 2, 1), (0, 2, 1, 2, 1)]:
            row = await in_the_order(event, told, order)
            assert getattr(row, field) == values[reverse], (reverse, order)


@pytest.mark.parametrize("event", MODELS)
@pytest.mark.parametrize("field", THERE_AND_BACK)
async def test_what_came_and_went_beside_another_action_is_as_it_was_before(event: str, field: str) -> None:
    turned, shown, back, part, values = THERE_AND_BACK[field]
    ada: Payload = {"assignees": [{"login": "ada"}]}
    for reverse in (False, True):
        before = OFF | (shown if reverse else {})
        first = snapshot(event, "assigned", **before | ada) | {"assignee": {"login": "ada"}}
        there = snapshot(event, turned, **OFF | shown | ada) | part
        gone = snapshot(event, back, **OFF | ada) | part
        began = snapshot(event, "edited", **before | {"updated_at": BEFORE})
        told = [began, first, gone, there] if reverse else [began, first, there, gone]
        for order in permutations(range(1, 4)):
            row = await in_the_order(event, told, (0, *order, order[0]))
            assert (getattr(row, field), row.assignees) == (values[reverse], ["ada"]), (reverse, order)


@pytest.mark.parametrize("event", MODELS)
@pytest.mark.parametrize("field", THERE_AND_BACK)
async def test_what_came_and_went_in_the_second_of_the_opening_is_gone(event: str, field: str) -> None:
    turned, shown, back, part, values = THERE_AND_BACK[field]
    # The opening may show what was added at once, such as a label, and `labeled` is sent too.
    added = shown if field in {"labels", "milestone"} else {}
    told = [
        snapshot(event, "opened", **OFF | added),
        snapshot(event, turned, **OFF | shown) | part,
        snapshot(event, back, **OFF) | part,
    ]
    for order in permutations(range(3)):
        row = await in_the_order(event, told, (*order, order[1]))
        assert getattr(row, field) == values[0], order


async def test_a_milestone_between_none_and_none_is_gone() -> None:
    began: Payload = {"milestone": {"title": "M"}}
    told = [snapshot("issues", "milestoned", **OFF | began | {"updated_at": BEFORE}) | began]
    for action, title in (("demilestoned", "M"), ("milestoned", "N"), ("demilestoned", "N")):
        milestone = {"milestone": {"title": title}}
        told.append(
            snapshot("issues", action, **OFF | (milestone if action == "milestoned" else {})) | milestone
        )
    for order in permutations(range(4)):
        assert (await in_the_order("issues", told, order)).milestone == "", order


@pytest.mark.parametrize("event", EDITED)
async def test_a_text_that_returned_to_its_start_in_one_second_is_the_start(event: str) -> None:
    part, field, model = EDITED[event]
    first = {"pull_request_review": "submitted", "issues": "opened", "pull_request": "opened"}
    told = []
    for action, former, text in (
        (first.get(event, "created"), None, "one"),
        ("edited", "one", "two"),
        ("edited", "two", "one"),
    ):
        payload = github.payload(BASES.get(event, f"{event}__edited")) | {"action": action}
        payload["changes"] = {field: {"from": former}} if former else {}
        payload[part] |= {field: text, "updated_at": SECOND}
        told.append(payload)
    for order in permutations(range(3)):
        await model._default_manager.all().adelete()
        for place in order:
            await handle(event, told[place])
        assert getattr(await model._default_manager.aget(), field) == "one", order


async def test_a_label_between_a_closing_and_a_reopening_of_its_second_is_kept() -> None:
    closed: Payload = {"state": "closed", "closed_at": SECOND}
    told = [
        snapshot("issues", "edited", **OFF | {"updated_at": BEFORE}),
        snapshot("issues", "closed", **OFF | closed),
        snapshot("issues", "labeled", **OFF | closed | {"labels": [X["label"]]}) | X,
        snapshot("issues", "reopened", **OFF | {"labels": [X["label"]]}),
    ]
    for order in [(0, 1, 2, 3), (0, 3, 2, 1), (0, 2, 3, 1), (2, 0, 3, 1), (3, 0, 1, 2), (2, 3, 0, 1)]:
        row = await in_the_order("issues", told, order)
        assert (row.state, row.labels) == ("open", ["x"]), order


async def test_the_newest_snapshot_before_a_second_tells_its_start() -> None:
    ended: Payload = {"state": "closed", "closed_at": BEFORE}
    told = [
        snapshot("issues", "reopened", **OFF),
        snapshot("issues", "edited", **OFF | {"updated_at": "2026-05-04T07:00:00Z"}),
        snapshot("issues", "edited", **OFF | ended | {"updated_at": BEFORE}),
        snapshot("issues", "closed", **OFF | {"state": "closed", "closed_at": SECOND}),
    ]
    for order in ((0, 1, 2, 3), (0, 2, 1, 3)):
        assert (await in_the_order("issues", told, order)).state == "closed", order
