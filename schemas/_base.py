"""The parts that every event has, and the rules that all schemas share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler

Item = TypeVar("Item")


# Go and .NET write their zero time where there is none: 1 January of the year 1, in any offset.
NO_TIME_BEFORE = datetime(1, 1, 3, tzinfo=UTC)


def _in_utc(moment: datetime) -> datetime:
    """GitHub's times carry an offset; one without is UTC, as all of GitHub's own are."""
    try:
        utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("the time is beyond the calendar") from error
    if utc < NO_TIME_BEFORE:
        raise ValueError("the time is a zero value")
    return utc


class _Zulu:
    """Takes only times that are in UTC by themselves, as nearly all of GitHub's are: no Python is called."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return {**handler(source), "tz_constraint": 0, "ge": NO_TIME_BEFORE}


class _OneError:
    """Says of what none of a union's choices takes what it should be, without naming the choices."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return {
            **handler(source),
            "custom_error_type": "timestamp",
            "custom_error_message": "Input should be a time: ISO 8601, or seconds since 1970",
        }


# An ISO 8601 string, or seconds since 1970: push events send both, for the same field of `repository`.
Timestamp = Annotated[
    Annotated[datetime, _Zulu()] | Annotated[datetime, AfterValidator(_in_utc)],
    Field(union_mode="left_to_right"),
    _OneError(),
]

# Ids and numbers, as far as a bigint holds them; as text, too.
BigInt = Annotated[int, Field(ge=0, lt=2**63)]

# SHA-1 or SHA-256, of a commit or a tag object; all zeros stand for none.
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]

# GitHub's logins have at most 39 characters, those of enterprises a few more; an index holds these.
Login = Annotated[str, Field(max_length=255)]

# GitHub refuses names of more than 255 bytes; an index of PostgreSQL holds keys of 2,700.
RefName = Annotated[str, Field(max_length=500)]


# A list, read as far as its first item that cannot be read: a body holds millions, and each makes an error.
Items = Annotated[tuple[Item, ...], Field(fail_fast=True)]


class Snapshot(BaseModel):
    """A part of a payload, read for the fields that are used; what GitHub adds to it is ignored."""

    # Only keys are worth a cache: the values of payloads are shas and texts that do not come again.
    model_config = ConfigDict(extra="ignore", frozen=True, cache_strings="keys")


class Actor(Snapshot):
    """Who did something: a user, a bot or an organisation."""

    login: str


class Account(Actor):
    """Who sent an event, or the organisation it belongs to. Its links tell the server."""

    html_url: str | None = None
    url: str | None = None


class Former(Snapshot):
    """A text before a change."""

    from_: str | None = Field(None, alias="from")


class Edits(Snapshot):
    """What `edited` replaced. It may be empty."""

    title: Former | None = None
    body: Former | None = None


class Label(Snapshot):
    """What sorts issues and pull requests; people name labels as they like."""

    name: str


class Milestone(Snapshot):
    """What an issue or a pull request is planned for."""

    title: str


class Repository(Snapshot):
    """A repository as a payload shows it. The numeric id stays, names change with rename and transfer."""

    id: BigInt
    full_name: str
    html_url: str | None = None
    url: str | None = None
    private: bool | None = None
    archived: bool | None = None
    default_branch: str | None = None
    updated_at: Timestamp | None = None


class PushedRepository(Repository):
    """The same where the time of the last push tells when the event happened, which has no other."""

    pushed_at: Timestamp | None = None


class Installation(Snapshot):
    """The installation of a GitHub App that a delivery belongs to."""

    id: BigInt
    html_url: str | None = None
    url: str | None = None


class Event(Snapshot):
    """What all payloads share; a module of `schemas/` derives its event from this.

    `action` is an open set: GitHub adds to it without notice. Every part may be absent or null, for an
    organisation's event has no repository and a deleted account no sender.
    """

    event: ClassVar[str] = ""
    """The `X-GitHub-Event` that this class reads: the name of the module that defines it."""
    foreign: ClassVar[frozenset[str]] = frozenset()
    """Parts that payloads of other events have, and none of this event: a payload with one is invalid.

    A signature covers the body alone, so anybody who saw a delivery may send its body under another event's
    name. What this event must have is a field; `foreign` is for the rest.
    """

    action: str | None = None
    repository: Repository | None = None
    organization: Account | None = None
    sender: Account | None = None
    installation: Installation | None = None

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type] # pydantic takes class keywords only
        if "event" not in cls.__dict__:
            cls.event = cls.__module__.rpartition(".")[2]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        schema: Any = handler(source)
        # They are no fields of the model, where null would read as absent.
        for part in sorted(cls.foreign):
            refuse = {"type": "function-plain", "function": {"type": "no-info", "function": cls._refuse}}
            absent = {"type": "default", "schema": refuse, "default": None}
            schema["schema"]["fields"][part] = {"type": "model-field", "schema": absent}
        return schema

    @classmethod
    def _refuse(cls, _part: object) -> None:
        raise ValueError(f"no payload of {cls.event} has this part, but another event's")

    @property
    def links(self) -> Iterator[str | None]:
        """Yield the payload's links to its own server, most telling first."""
        for part in (self.repository, self.organization, self.sender, self.installation):
            if part is not None:
                yield part.html_url
                yield part.url
