"""A signature covers only the body, so a schema rejects the body of another event."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

import handlers
import schemas
from handlers import registry
from processing.running import why_invalid
from schemas._parts import PARTS
from tests import github

EVENTS = schemas.discover(schemas)
schemas.modules(handlers)
BODIES = {
    path: path.read_bytes()
    for path in sorted([*github.PAYLOADS.glob("*.json"), *github.OCTOKIT.glob("*.json")])
}
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
    accepted = [path.stem for path, body in BODIES.items() if of(path) != event and would_write(event, body)]
    assert accepted == []


@pytest.mark.parametrize("event", WRITING)
def test_null_in_the_place_of_a_foreign_part_is_refused_all_the_same(event: str) -> None:
    for path in github.PAYLOADS.glob(f"{event}__*.json"):
        payload = json.loads(path.read_text())
        # A null part that all events share, such as the repository, identifies no event.
        for part in EVENTS[event].foreign - set(schemas.Event.model_fields):
            assert not would_write(event, json.dumps({**payload, part: None}).encode()), part


ORGANISATION = {"login": "harbour-works", "id": 9, "url": "https://api.github.example/orgs/harbour-works"}
REPOSITORY = {"id": 7, "full_name": "harbour-works/tide-tables", "html_url": "https://github.example/h/t"}
TIME = "2026-05-04T09:00:00Z"
# Forms that GitHub documents without an example here: of an organisation's hook, of a server's own events,
# and of events without a part.
FORMS: dict[str, tuple[str, dict[str, object]]] = {
    "a ruleset of an organisation": ("organization", {"action": "deleted", "repository_ruleset": {"id": 1}}),
    "a project of an organisation": ("organization", {"action": "deleted", "project": {"id": 1}}),
    "a hook of an organisation": ("organization", {"action": "deleted", "hook_id": 1, "hook": {"id": 1}}),
    "a package of an organisation": ("organization", {"action": "published", "package": {"id": 1}}),
    "an App of an organisation": (
        "organization",
        {"action": "deleted", "installation": {"id": 1, "app_id": 3, "account": {"login": "harbour-works"}}},
    ),
    "an authorisation": ("organization", {"action": "revoked"}),
    "an account of a server": ("organization", {"action": "deleted", "user": {"login": "bo", "id": 4}}),
    "a cache of a server": (
        "push",
        {"repository": REPOSITORY, "ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40,
         "cache_location": "eu"},
    ),
    "a reference to content": (
        "repository",
        {"action": "created", "repository": REPOSITORY, "content_reference": {"id": 1}},
    ),
    "a scan for secrets": (
        "repository",
        {"action": "completed", "repository": REPOSITORY, "type": "backfill", "source": "git",
         "started_at": TIME, "completed_at": TIME},
    ),
    "an authorisation of a repository's": ("repository", {"action": "revoked", "repository": REPOSITORY}),
    "an App of a repository": (
        "repository",
        {"action": "deleted", "repository": REPOSITORY, "installation": {"id": 1, "app_id": 3}},
    ),
    "an approved deployment": (
        "workflow_run",
        {"action": "approved", "repository": REPOSITORY, "since": TIME,
         "workflow_run": {"id": 1, "head_sha": "a" * 40, "updated_at": TIME}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_without_an_example_are_refused_too(form: str) -> None:
    event, payload = FORMS[form]
    organisation = {} if event == "push" else {"organization": ORGANISATION}
    assert not would_write(event, json.dumps({**organisation, **payload}).encode())


def test_no_payload_of_an_organisations_hook_is_accepted_as_one_about_the_organisation() -> None:
    accepted = []
    for path, body in BODIES.items():
        payload = json.loads(body)
        if of(path) != "organization" and not payload.keys().isdisjoint(PARTS):
            payload |= {"action": "deleted", "organization": ORGANISATION}
            payload.pop("repository", None)
            if would_write("organization", json.dumps(payload).encode()):
                accepted.append(path.stem)
    assert accepted == []


PARTLESS = {"github_app_authorization", "installation", "organization", "public", "repository", "watch"}


def test_every_part_of_an_example_is_known_where_no_other_identifies_the_event() -> None:
    shared = {*schemas.Event.model_fields, "changes", "enterprise"}
    for path, body in BODIES.items():
        parts = json.loads(body).keys() - shared
        assert parts & PARTS or of(path) in PARTLESS, path.stem


@pytest.mark.parametrize("path", [path for path in BODIES if of(path) in EVENTS], ids=lambda path: path.stem)
def test_every_example_is_accepted_under_its_own_name(path: Path) -> None:
    schemas.parse(EVENTS[of(path)], BODIES[path])


@pytest.mark.parametrize(
    ("case", "event", "why"),
    [
        ("issue_comment__deleted", "repository", "comment: no payload of repository has this part"),
        ("issue_comment__deleted", "issues", "comment: no payload of issues has this part"),
        ("issues__deleted", "repository", "issue: no payload of repository has this part"),
        ("star__created", "repository", "starred_at: no payload of repository has this part"),
        ("delete__branch", "create", "master_branch: Field required"),
        ("create__branch", "delete", "master_branch: no payload of delete has this part"),
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
