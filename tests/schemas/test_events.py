"""Schemas and handlers are found by the name of their file, and checked at startup."""

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

import handlers
import schemas
from handlers import DeliveryContext, Registry
from schemas import DiscoveryError, Event
from schemas.deployment import DeploymentEvent
from schemas.issues import IssuesEvent
from schemas.push import PushEvent
from tests import github


def test_every_event_is_named_as_its_file() -> None:
    found = schemas.discover(schemas)
    assert set(found) >= {"push", "pull_request", "issues", "ping", "repository"}
    assert all(cls.event == name for name, cls in found.items())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Return a function that makes a package like `schemas/` with the modules that it is given."""

    def make(**files: str) -> ModuleType:
        root = tmp_path / f"trial_{uuid4().hex}"  # a module is imported once
        root.mkdir()
        (root / "__init__.py").touch()
        for name, source in files.items():
            (root / f"{name}.py").write_text(source)
        return importlib.import_module(root.name)

    monkeypatch.syspath_prepend(str(tmp_path))
    return make


RELEASE = "from schemas import Event\nclass ReleaseEvent(Event):\n    action: str\n"


def test_a_new_event_is_one_new_file(package: Callable[..., ModuleType]) -> None:
    found = schemas.discover(package(release=RELEASE, _base="not python"))
    assert [(name, cls.__name__) for name, cls in found.items()] == [("release", "ReleaseEvent")]


@pytest.mark.parametrize(
    "source",
    ["", "from schemas.push import PushEvent\n", RELEASE + "class Another(Event):\n    pass\n",
     RELEASE + "    event = 'published'\n"],
    ids=["no event", "only an imported one", "two events", "another name"],
)  # fmt: skip
def test_a_file_that_does_not_define_its_one_event_stops_the_program(
    source: str, package: Callable[..., ModuleType]
) -> None:
    with pytest.raises(DiscoveryError, match=r"trial_\w+\.release must define exactly one Event"):
        schemas.discover(package(release=source))


def test_a_type_that_is_imported_for_type_checkers_alone_stops_the_program(
    package: Callable[..., ModuleType],
) -> None:
    source = RELEASE.replace("str", '"Sha"')
    with pytest.raises(DiscoveryError, match=r"trial_\w+\.release has a field .* not known at run time: Sha"):
        schemas.discover(package(release=source))
    assert schemas.discover(package(release=f"{source}from schemas import Sha\n"))


async def _handler(_event: PushEvent, _delivery: DeliveryContext) -> None:
    """Do nothing."""


def test_a_handler_that_is_not_a_coroutine_is_refused() -> None:
    with pytest.raises(DiscoveryError, match="async def"):
        Registry().on(PushEvent)(lambda _event, _delivery: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("event", [_handler, "push", Event])  # the first as `@on` without parentheses does
def test_a_decorator_without_its_event_is_refused(event: Any) -> None:
    with pytest.raises(DiscoveryError, match=r"write @on\(PushEvent\)"):
        Registry().on(event)


def test_a_handler_that_does_not_take_its_arguments_is_refused() -> None:
    async def lonely(_event: PushEvent) -> None:
        """Do nothing."""

    with pytest.raises(
        DiscoveryError, match=r"lonely must take an event and a delivery: too many positional"
    ):
        Registry().on(PushEvent)(lonely)  # type: ignore[arg-type]


def test_a_handlers_name_is_taken_once() -> None:
    registry = Registry()
    registry.on(PushEvent)(_handler)
    with pytest.raises(DiscoveryError, match="two handlers"):
        registry.on(PushEvent)(_handler)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"timeout": 0}, "must be numbers above zero"),
        ({"timeout": float("nan")}, "must be numbers above zero"),
        ({"timeout": float("inf")}, "must be numbers above zero"),
        ({"timeout": "30"}, "must be numbers above zero"),
        ({"max_attempts": 0}, "must be numbers above zero"),
        ({"max_attempts": None}, "must be numbers above zero"),
        ({"serialize": "action"}, "IssuesEvent has no action to serialize"),
        ({"serialize": "pull_request"}, "IssuesEvent has no pull_request to serialize"),
        ({"serialize": ["repository"]}, "IssuesEvent has no .* to serialize"),
        ({"action": 3}, "name the action of test_events._handler as text"),
        ({"action": ("opened", None)}, "name the action of test_events._handler as text"),
        ({"action": ""}, "name the action of test_events._handler as text"),
    ],
)
def test_a_wrong_option_of_a_handler_is_refused(options: dict[str, Any], error: str) -> None:
    with pytest.raises(DiscoveryError, match=error):
        Registry().on(IssuesEvent, **options)(_handler)  # type: ignore[arg-type] # takes another event


def test_an_action_is_refused_for_an_event_that_has_none() -> None:
    with pytest.raises(DiscoveryError, match="PushEvent has no action"):
        Registry().on(PushEvent, action="opened")(_handler)


def test_an_action_that_old_servers_do_not_send_can_be_named() -> None:
    registry = Registry()
    registry.on(DeploymentEvent, action="created")(_handler)  # type: ignore[arg-type] # takes another event
    [handler] = registry.handlers["deployment"]
    sent = DeploymentEvent.model_validate(
        {"action": "created", "deployment": {"id": 1}, "repository": {"id": 1}}
    )
    assert handler.wants(sent)
    assert not handler.wants(sent.model_copy(update={"action": None}))


def test_a_handler_of_an_event_that_no_schema_defines_is_refused() -> None:
    registry = Registry()
    registry.on(PushEvent)(_handler)
    registry.check({"push": PushEvent})
    with pytest.raises(DiscoveryError, match=r"schemas/push\.py"):
        registry.check({"issues": IssuesEvent})


@pytest.mark.parametrize(
    ("action", "opened", "closed"),
    [
        ((), True, True),
        ("opened", True, False),
        (("opened", "closed"), True, True),
        (["edited"], False, False),
    ],
)
def test_a_handler_sees_the_actions_that_it_names_or_all(
    action: str | tuple[str, ...], opened: bool, closed: bool
) -> None:
    registry = Registry()

    async def wanting(_event: IssuesEvent, _delivery: DeliveryContext) -> None:
        """Do nothing."""

    registry.on(IssuesEvent, action=action)(wanting)
    for case, wanted in (("issues__opened", opened), ("issues__closed", closed)):
        event = schemas.parse(IssuesEvent, github.sample(case).body)
        assert [handler.run for handler in registry.wanting(event, "issues")] == [wanting] * wanted


@pytest.mark.parametrize("path", sorted(github.PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_every_payload_of_ours_is_understood_by_the_schema_of_its_event(path: Path) -> None:
    event, _, case = path.stem.partition("__")
    parsed = schemas.parse(schemas.discover(schemas).get(event, Event), path.read_bytes())
    assert parsed.action is None or parsed.action in case or case.endswith("gone")


@pytest.mark.parametrize("error", [handlers.RetryableError, handlers.PermanentError])
def test_a_handlers_own_errors_share_one_root(error: type[Exception]) -> None:
    assert issubclass(error, handlers.HandlerError)


@pytest.mark.parametrize("retry_in", [-1, float("nan"), "60"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(retry_in: Any) -> None:
    with pytest.raises(ValueError, match=f"retry_in must be seconds from 0 or a timedelta, not {retry_in!r}"):
        handlers.RetryableError(retry_in=retry_in)


def test_times_are_moments_whether_they_come_as_text_or_as_seconds() -> None:
    payload = github.payload("push__branch")
    event = schemas.parse(PushEvent, github.sample("push__branch").body)
    assert event.repository.pushed_at is not None
    assert event.repository.pushed_at.timestamp() == payload["repository"]["pushed_at"]
    [first, *_] = event.commits or ()
    assert first is not None
    assert first.timestamp == datetime(2026, 5, 4, 9, 41, 10, tzinfo=UTC)
