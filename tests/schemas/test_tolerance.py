"""Absent or wrong optional parts cost no delivery; the error names the path of a part that is rejected."""

import contextlib
import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import schemas
from schemas.issues import IssuesEvent
from schemas.push import PushEvent
from tests import github
from tests.texts import CHARACTERS

EVENTS = schemas.discover(schemas)
CASES = sorted(path.stem for path in github.PAYLOADS.glob("*.json"))
Path = tuple[int | str, ...]


def event_of(case: str) -> type[schemas.Event]:
    return EVENTS.get(case.partition("__")[0], schemas.Event)


def read(model: type[schemas.Event], payload: Any) -> schemas.Event:
    return schemas.parse(model, json.dumps(payload).encode())


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield every place in a payload."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        yield (*path, name)
        yield from paths(part, (*path, name))


def put(payload: Any, path: Path, value: Any) -> Any:
    """Return a copy with another value in that place."""
    changed = place = copy.deepcopy(payload)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def optional(model: type[BaseModel], path: Path = ()) -> Iterator[Path]:
    """Yield every optional field of a model, at any depth, through its objects only."""
    for name, field in model.model_fields.items():
        place = (*path, field.alias or name)
        if not field.is_required():
            yield place
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from optional(part, place)


def values(part: Any) -> Iterator[Any]:
    """Yield every value of a parsed payload, at any depth."""
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from values(getattr(part, name))
    elif isinstance(part, tuple):
        for item in part:
            yield from values(item)
    else:
        yield part


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -1, 2**64, 10**400, 1e400, -62135596800, 253402300800, 20_000_000_000]),
    st.floats(),
    st.text(st.characters(codec=None), max_size=8),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "7", "x" * 5000, "0" * 40]),
    st.sampled_from([[], {}, [None], [[]], {"id": None}, {"login": 5}, [{}], {"": {"": []}}]),
)


@given(case=st.sampled_from(CASES), data=st.data())
def test_any_value_anywhere_is_read_or_reported_with_its_path(case: str, data: st.DataObject) -> None:
    payload = github.payload(case)
    path = data.draw(st.sampled_from(list(paths(payload))))
    changed = put(payload, path, data.draw(ODD))
    try:
        parsed = read(event_of(case), changed)
    except ValidationError as error:
        told = [problem["loc"] for problem in error.errors()]
        assert all(place[: len(path)] == path[: len(place)] for place in told)
        return
    for value in values(parsed):
        if isinstance(value, datetime):
            assert value.astimezone(UTC)
        elif isinstance(value, str):
            value.encode()
            assert "\0" not in value
        elif isinstance(value, int):
            assert 0 <= value < 2**63


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_null_reads_as_absent_wherever_a_field_may_be_absent(event: str) -> None:
    model = EVENTS[event]
    fields = list(optional(model))
    for payload in [github.payload(case) for case in CASES if case.partition("__")[0] == event]:
        present = set(paths(payload))
        for path in [path for path in fields if path[:-1] in {(), *present}]:
            try:
                null = put(payload, path, None)
            except TypeError:
                continue  # its parent is already null
            absent = copy.deepcopy(null)
            place = absent
            for step in path[:-1]:
                place = place[step]
            del place[path[-1]]
            assert read(model, null) == read(model, absent), path


@given(case=st.sampled_from(CASES), data=st.data(), name=st.text(CHARACTERS, max_size=9).map("new {}".format))
def test_what_github_adds_anywhere_changes_nothing(case: str, data: st.DataObject, name: str) -> None:
    payload = github.payload(case)
    # The names of an app's permissions are recorded.
    places = [
        path
        for path in paths(payload)
        if isinstance(_at(payload, path), dict) and path != ("installation", "permissions")
    ]
    added = put(payload, (*data.draw(st.sampled_from([*places, ()])), name), data.draw(ODD))
    assert read(event_of(case), added) == read(event_of(case), payload)


def _at(payload: Any, path: Path) -> Any:
    for step in path:
        payload = payload[step]
    return payload


LAST = datetime.max.replace(microsecond=0)  # noqa: DTZ901 - the offset is another argument


# Earlier times are the zero value of a program without a time.
@given(st.datetimes(min_value=datetime.fromisoformat("0001-01-04")), st.integers(-14 * 60, 14 * 60))
@example(LAST, 0)
@example(LAST, -1)
def test_a_time_is_the_same_moment_or_reported_as_beyond_the_calendar_in_utc(
    moment: datetime, offset: int
) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    payload = put(github.payload("issues__opened"), ("issue", "updated_at"), local.isoformat())
    expected, reported = None, ["issue.updated_at"]
    with contextlib.suppress(OverflowError):
        expected, reported = local.astimezone(UTC), []
    unread: list[str] = []
    event = schemas.parse(IssuesEvent, json.dumps(payload).encode(), unread)
    assert (event.issue.updated_at, unread) == (expected, reported)


@pytest.mark.parametrize(
    ("case", "path", "value", "reads"),
    [
        ("push__branch", ("commits",), None, None),
        ("push__branch", ("commits",), "all", None),
        ("push__branch", ("commits", 1), {}, None),
        ("push__branch", ("commits", 1), {"id": "not a sha"}, None),
        ("push__branch", ("created",), None, None),
        ("push__branch", ("forced",), "perhaps", None),
        ("push__branch", ("repository", "pushed_at"), 10**30, None),
        ("push__branch", ("repository", "pushed_at"), "0001-01-01T00:00:00+14:00", None),
        ("push__branch", ("repository", "id"), "810200300", 810200300),
        ("push__branch", ("head_commit",), {"id": "unknown"}, None),
        ("push__branch", ("commits", 1, "author"), None, None),
        ("push__branch", ("commits", 1, "message"), None, None),
        ("push__branch", ("commits", 1, "author", "email"), 7, None),
        ("push__branch", ("commits", 1, "author"), "Ada", None),
        ("push__branch", ("commits", 1, "distinct"), "perhaps", None),
        ("push__branch", ("commits", 1, "timestamp"), "2011-08-07T16:50:23+518:00", None),
        ("push__branch", ("commits", 1, "timestamp"), "292278994-08-17T07:12:55Z", None),
        ("push__branch", ("head_commit", "timestamp"), "0001-01-01T00:00:00Z", None),
        ("issues__opened", ("issue", "labels", 0), {"name": 7}, None),
        ("ping__repository", ("hook", "events", 1), {}, None),
        ("check_run__completed", ("check_run", "started_at"), "0001-01-01T00:00:00Z", None),
        ("check_run__completed", ("check_run", "completed_at"), "0001-01-01T00:00:00", None),
        ("status__success", ("updated_at",), "0001-01-01T00:00:00Z", None),
        ("label__created", ("label", "default"), "perhaps", None),
        ("workflow_job__queued", ("workflow_job", "run_attempt"), "first", None),
        ("deployment_status__created_success", ("deployment", "creator"), {}, None),
        ("pull_request_review_thread__resolved", ("thread", "comments", 0), {}, None),
        ("installation__created", ("installation", "permissions"), [], None),
        ("installation__created", ("installation", "account"), None, None),
        ("installation_repositories__added", ("repositories_added", 0), {"name": "tides"}, None),
        ("star__created", ("starred_at",), "yesterday", None),
        ("member__added", ("changes", "permission"), "write", None),
        ("push__branch", ("sender",), "ada-quay", None),
        ("issues__opened", ("issue", "user"), {"login": None}, None),
        ("issues__opened", ("issue", "milestone"), "tides", None),
        ("pull_request__opened", ("pull_request", "merged"), "perhaps", None),
        ("pull_request__opened", ("pull_request", "merge_commit_sha"), "", None),
        ("pull_request__opened", ("pull_request", "assignees"), [None], (None,)),
        (
            "pull_request__opened",
            ("pull_request", "requested_reviewers"),
            [{"slug": "pilots"}] * 3,
            (None,) * 3,
        ),
        ("pull_request__opened", ("pull_request", "head", "repo"), None, None),
        ("issues__opened", ("issue", "updated_at"), 10**30, None),
        ("workflow_job__queued", ("workflow_job", "run_id"), None, None),
    ],
)
def test_what_a_record_can_do_without_is_excused(case: str, path: Path, value: Any, reads: Any) -> None:
    event: Any = read(event_of(case), put(github.payload(case), path, value))
    for step in path:
        event = event[step] if isinstance(step, int) else getattr(event, step)
    assert event == reads


def test_every_field_that_may_be_absent_may_be_null() -> None:
    # A field with another default would cost the part around it. The attempt is part of a key.
    found = {path for model in EVENTS.values() for path in not_nullable(model, (model.event,))}
    assert found == {("workflow_run", "workflow_run", "run_attempt")}


def not_nullable(model: type[BaseModel], path: Path) -> Iterator[Path]:
    """Yield the optional fields of a model that refuse null, at any depth."""
    for name, field in model.model_fields.items():
        place = (*path, field.alias or name)
        nullable = field.annotation is object or type(None) in get_args(field.annotation)
        if not field.is_required() and not nullable:
            yield place
        for part in parts(field.annotation):
            yield from not_nullable(part, place)


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from parts(argument)


def test_each_unreadable_part_is_reported_with_its_path() -> None:
    payload = github.payload("push__branch")
    for place in (0, 2):
        payload["commits"][place] |= {"timestamp": "yesterday", "author": {"name": 7}}
    unread: list[str] = []
    schemas.parse(PushEvent, json.dumps(payload).encode(), unread)
    assert sorted(unread) == [
        "commits.0.author.name", "commits.0.timestamp", "commits.2.author.name", "commits.2.timestamp",
    ]  # fmt: skip


def test_a_list_of_thousands_of_unreadable_labels_costs_none_of_the_others() -> None:
    payload = github.payload("issues__opened")
    payload["issue"]["labels"] = [*([7, {}, {"name": []}] * 1000), {"name": "tides"}]
    unread: list[str] = []
    event = schemas.parse(IssuesEvent, json.dumps(payload).encode(), unread)
    assert [label.name for label in event.issue.labels or () if label] == ["tides"]
    assert len(unread) == 3000


def test_nulls_in_a_list_cost_none_of_the_others() -> None:
    payload = github.payload("push__branch")
    event: Any = read(PushEvent, {**payload, "commits": [None, *payload["commits"], None]})
    read_alone: Any = read(PushEvent, payload)
    assert tuple(filter(None, event.commits)) == read_alone.commits


@pytest.mark.parametrize(
    ("case", "path", "value"),
    [
        ("push__branch", ("ref",), None),
        ("push__branch", ("ref",), "refs/heads/" + "x" * 500),
        ("push__branch", ("after",), "a625406"),
        ("member__added", ("member", "id"), "bo"),
        ("milestone__created", ("milestone", "number"), None),
        ("push__branch", ("repository",), None),
        ("push__branch", ("repository", "id"), 2**63),
        ("push__branch", ("repository", "id"), "tide-tables"),
        ("issues__opened", ("action",), None),
        ("issues__opened", ("issue", "number"), -1),
        ("issues__opened", ("issue", "state"), "half-open"),
        ("pull_request__opened", ("pull_request", "state"), "merged"),
    ],
)
def test_what_a_record_needs_is_rejected_by_its_path(case: str, path: Path, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        read(event_of(case), put(github.payload(case), path, value))
    assert caught.value.errors()[0]["loc"][: len(path)] == path


def test_a_million_bad_items_are_one_error() -> None:
    payload = put(github.payload("push__branch"), ("commits",), [1] * 1_000_000)
    with pytest.raises(ValidationError) as caught:
        read(PushEvent, payload)
    [problem] = caught.value.errors()
    assert problem["loc"][0] == "commits"
