"""A signature covers only the body, so a schema rejects the body of another event."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

import handlers
import schemas
from handlers import registry
from processing.running import why_invalid
from tests import github

EVENTS = schemas.discover(schemas)
schemas.modules(handlers)
BODIES = sorted([*github.PAYLOADS.glob("*.json"), *github.OCTOKIT.glob("*.json")])
WRITING = sorted(
    event
    for event, listed in registry.handlers.items()
    if any(handler.run.__module__.startswith("handlers.") for handler in listed)
)


def of(path: Path) -> str:
    return path.name.partition("__")[0]


def would_write(event: str, body: bytes) -> bool:
    try:
        return bool(registry.wanting(schemas.parse(EVENTS[event], body), event))
    except (ValidationError, schemas.PayloadError):
        return False


@pytest.mark.parametrize("event", WRITING)
def test_no_other_events_payload_is_accepted_where_it_would_write(event: str) -> None:
    accepted = [path.stem for path in BODIES if of(path) != event and would_write(event, path.read_bytes())]
    assert accepted == []


@pytest.mark.parametrize("event", WRITING)
def test_null_in_the_place_of_a_foreign_part_is_refused_all_the_same(event: str) -> None:
    for path in github.PAYLOADS.glob(f"{event}__*.json"):
        payload = json.loads(path.read_text())
        # A null part that all events share, such as the repository, identifies no event.
        for part in EVENTS[event].foreign - set(schemas.Event.model_fields):
            assert not would_write(event, json.dumps({**payload, part: None}).encode()), part


@pytest.mark.parametrize("path", [path for path in BODIES if of(path) in EVENTS], ids=lambda path: path.stem)
def test_every_example_is_accepted_under_its_own_name(path: Path) -> None:
    schemas.parse(EVENTS[of(path)], path.read_bytes())


@pytest.mark.parametrize(
    ("case", "event", "why"),
    [
        (
            "issue_comment__deleted",
            "repository",
            "comment: Value error, no payload of repository has this part",
        ),
        ("issue_comment__deleted", "issues", "comment: Value error, no payload of issues has this part"),
        ("issues__deleted", "repository", "issue: Value error, no payload of repository has this part"),
        ("star__created", "repository", "starred_at: Value error, no payload of repository has this part"),
        ("delete__branch", "create", "master_branch: Field required"),
        ("create__branch", "delete", "master_branch: Value error, no payload of delete has this part"),
    ],
)
def test_the_error_names_the_part_of_the_other_event(case: str, event: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        schemas.parse(EVENTS[event], github.sample(case).body)
    assert why in why_invalid(caught.value)


@pytest.mark.parametrize("action", ["started", "enabled", "disabled"])
def test_an_event_without_a_part_of_its_own_is_identified_by_its_action(action: str) -> None:
    body = json.dumps(github.payload("repository__created") | {"action": action}).encode()
    assert not would_write("repository", body)
