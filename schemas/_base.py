"""The parts and types that the schemas share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler

Item = TypeVar("Item")


# Go and .NET write their zero time for a missing time: 1 January of the year 1, in any offset.
NO_TIME_BEFORE = datetime(1, 1, 3, tzinfo=UTC)


# A later time is beyond the calendar in UTC.
LAST_TIME = datetime.max.replace(tzinfo=UTC)


class _Aware:
    """Accepts times with an offset, as nearly all are, without a call of Python for each."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        bounds = {"ge": NO_TIME_BEFORE, "le": LAST_TIME}
        return {**handler(source), "tz_constraint": "aware", **bounds}


def _in_utc(moment: datetime) -> datetime:
    """Return a time without an offset as one in UTC, as GitHub's own are."""
    utc = moment.replace(tzinfo=UTC)
    if moment.tzinfo or utc < NO_TIME_BEFORE:
        raise ValueError("the time is beyond the calendar")
    return utc


class _OneError:
    """Replaces the errors of all choices of a union by one error."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return {
            **handler(source),
            "custom_error_type": "timestamp",
            "custom_error_message": "Input should be a time: ISO 8601, or seconds since 1970",
        }


# An ISO 8601 string, or seconds since 1970. Push events send both, for one field of `repository`.
Timestamp = Annotated[
    Annotated[datetime, _Aware()] | Annotated[datetime, AfterValidator(_in_utc)],
    Field(union_mode="left_to_right"),
    _OneError(),
]

# Ids and numbers in the range of a bigint, also as text. pydantic compares faster with a limit of that range.
BigInt = Annotated[int, Field(ge=0, le=2**63 - 1)]

# SHA-1 or SHA-256 of a commit or a tag object; all zeros mean none.
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]

# GitHub's logins have at most 39 characters, those of enterprises a few more.
Login = Annotated[str, Field(max_length=255)]

# GitHub refuses names of more than 255 bytes; an index of PostgreSQL holds keys of 2,700.
RefName = Annotated[str, Field(max_length=500)]


# A list that fails at its first invalid item: a body may hold millions, and each would add an error.
Items = Annotated[tuple[Item, ...], Field(fail_fast=True)]


class Snapshot(BaseModel):
    """A part of a payload, with the fields that are used. Other fields are ignored."""

    # Only keys are cached: values are shas and texts, which do not repeat.
    model_config = ConfigDict(extra="ignore", frozen=True, cache_strings="keys")


class Actor(Snapshot):
    """The account that acted: a user, a bot or an organisation."""

    login: str


class Account(Snapshot):
    """The sender of an event, or its organisation. The link identifies the server."""

    login: str | None = None
    html_url: str | None = None


class Organization(Account):
    """The organisation of an event."""

    id: BigInt | None = None


class Former(Snapshot):
    """A text before a change."""

    from_: str | None = Field(None, alias="from")


class Edits(Snapshot):
    """The texts that `edited` replaced. It may be empty."""

    title: Former | None = None
    body: Former | None = None


class Label(Snapshot):
    """A label of an issue or a pull request. Users choose its name."""

    name: str


class Milestone(Snapshot):
    """The milestone of an issue or a pull request."""

    title: str


class Repository(Snapshot):
    """A repository in a payload. Its numeric id is stable; a rename or transfer changes its names."""

    id: BigInt
    full_name: str | None = None
    html_url: str | None = None
    private: bool | None = None
    archived: bool | None = None
    default_branch: str | None = None
    updated_at: Timestamp | None = None


class PushedRepository(Repository):
    """A repository with the time of its last push, for events without a time of their own."""

    pushed_at: Timestamp | None = None

    @property
    def last_pushed_at(self) -> datetime | None:
        """Return the time of the last push, else that of the last update, which is GitHub's too."""
        return self.pushed_at or self.updated_at


class Event(Snapshot):
    """The base of all events, with the parts that all payloads share.

    `action` is an open set: GitHub adds values without notice. Every part may be absent or null: an event of
    an organisation has no repository, and one of a deleted account no sender.
    """

    event: ClassVar[str] = ""
    """The `X-GitHub-Event` of this class: the name of its module."""
    foreign: ClassVar[frozenset[str]] = frozenset()
    """Parts that only payloads of other events have. A payload with one of them is invalid.

    A signature covers the body alone, so a captured body can be sent under the name of another event.
    Required parts of this event are fields; `foreign` lists the parts that it must not have.
    """

    action: str | None = None
    repository: Repository | None = None
    organization: Organization | None = None
    sender: Account | None = None

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type] # pydantic takes class keywords only
        if "event" not in cls.__dict__:
            cls.event = cls.__module__.rpartition(".")[2]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        schema: Any = handler(source)
        fields = schema
        while "fields" not in fields:  # below the model, and its own validators
            fields = fields["schema"]
        # They are not fields of the model, because null would then count as absent. One field with all their
        # names is read in a fraction of the time of one for each.
        if cls.foreign:
            refuse = {"type": "function-plain", "function": {"type": "no-info", "function": cls._refuse}}
            fields["fields"]["foreign_part"] = {
                "type": "model-field",
                "schema": {"type": "default", "schema": refuse, "default": None},
                "validation_alias": [[part] for part in sorted(cls.foreign)],
            }
        return schema

    @classmethod
    def _refuse(cls, _part: object) -> None:
        raise ValueError(f"no payload of {cls.event} has this part: it belongs to another event")

    @property
    def links(self) -> Iterator[str | None]:
        """Yield the payload's links to the pages of its own server, the most specific first."""
        for part in (self.repository, self.organization, self.sender):
            if part is not None:
                yield part.html_url
