"""The parts that all resources of the API share: base models, ids, pages, cursors and links."""

from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from api.models import Token
from api.problems import invalid, not_found
from ledger.filters import LARGEST_ID

MAX_ITEMS = 200
DEFAULT_ITEMS = 50

Item = TypeVar("Item")
Shown = TypeVar("Shown", bound="Model")

Id = Annotated[str, Field(pattern=r"^[0-9]{1,19}$", examples=["1048576"])]
"""An id: a string, because JavaScript rounds numbers above 2^53."""
# PostgreSQL stores no NUL.
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
Limit = Annotated[int, Field(ge=1, le=MAX_ITEMS, description="items of a page")]
Cursor = Annotated[
    str, Field(pattern=r"^[0-9]{1,17}-[0-9]{1,18}$", description="where the page begins, as in `next`")
]
Moment = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "string", "format": "date"},
                {"type": "string", "pattern": "^[0-9]{1,5}[mhd]$", "examples": ["24h"]},
            ]
        }
    ),
]
"""A time: RFC 3339, UTC if it names no offset, or so long before now: `15m`, `24h`, `7d`.

`ledger.filters` reads it. Pydantic takes numbers too: the year 2026 would be half an hour after 1970 began.
"""


class Model(BaseModel):
    """Base of everything in an answer. Ids, which are numbers in the database, become strings."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    @classmethod
    def columns(cls) -> list[str]:
        """Return the names of the columns to read."""
        return [str(field.validation_alias or name) for name, field in cls.model_fields.items()]


class Content(BaseModel):
    """Base of everything in a request's body. Unknown names are errors."""

    model_config = ConfigDict(extra="forbid")


class Parameters(BaseModel):
    """Base of the parameters of a URL. Unknown and repeated names are errors.

    A misspelled filter would otherwise choose everything.
    """

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> "Parameters":
        request: HttpRequest = info.context["request"] if info.context else HttpRequest()
        names = {field.alias or name for name, field in type(self).model_fields.items()}
        if unknown := sorted(set(request.GET) - names):
            raise _error(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(names))}")
        if repeated := sorted(name for name in request.GET if len(request.GET.getlist(name)) > 1):
            raise _error(f"given more than once: {', '.join(repeated)}")
        return self


class Listed(Parameters):
    """The parameters of a list by descending id."""

    cursor: Id | None = Field(None, description="where the page begins, as in `next`")
    limit: Limit = DEFAULT_ITEMS

    def filters(self) -> dict[str, Any]:
        """Return the other parameters that are given."""
        return self.model_dump(exclude_none=True, exclude={"cursor", "limit"})


def refuse_parameters(request: HttpRequest) -> None:
    """Raise a 422 for any parameter, in a list that takes none. Ninja takes no model without a field."""
    if request.GET:
        raise invalid("query", f"unknown: {', '.join(sorted(request.GET))}; this list takes no parameters")


def _error(message: str) -> PydanticCustomError:
    return PydanticCustomError("parameters", "{message}", {"message": message})


class Page(Model, Generic[Item]):
    """Some items of a list, and where it continues."""

    items: list[Item]
    next: str | None = Field(
        description="path and query of the next page; null at the end",
        examples=["/api/v1/deliveries?cursor=…"],
    )


class ReplayOutcome(Model):
    """The outcome of one id of a batch."""

    id: str
    outcome: str
    detail: str


def rendered(content: Model) -> HttpResponse:
    """Return the answer with this content, which django-ninja would validate once more."""
    return HttpResponse(content.model_dump_json(), content_type="application/json; charset=utf-8")


def number(text: str) -> int:
    """Return the number of an id. Raises a 404 for one that no row can have."""
    found = int(text)
    if found > LARGEST_ID:
        raise not_found()
    return found


def link(request: HttpRequest, **changes: Any) -> str:
    """Return the path and query of this request with some parameters changed."""
    return f"{request.path}?{urlencode({**request.GET.dict(), **changes})}"


async def newest_first(
    request: HttpRequest, rows: QuerySet[Any], shown: type[Shown], query: Listed
) -> Page[Shown]:
    """Return a page of rows by descending id, which is the order in which they were recorded."""
    if query.cursor is not None:
        rows = rows.filter(pk__lt=query.cursor)
    found: Any = rows.order_by("-pk").values(*shown.columns())[: query.limit + 1]
    return page(request, [shown(**row) async for row in found], query.limit, "id")


def page(request: HttpRequest, found: list[Shown], limit: int, key: str) -> Page[Shown]:
    """Return the first `limit` rows; the next page begins after the `key` of the last one."""
    items = found[:limit]
    more = len(found) > limit
    return Page(items=items, next=link(request, cursor=getattr(items[-1], key)) if more else None)


def caller(request: HttpRequest) -> Token:
    """Return the token of the request, which django-ninja has set after authentication."""
    found: Token = request.auth  # type: ignore[attr-defined]
    return found


def requester(request: HttpRequest) -> str:
    """Return the name under which the log of operations has the request."""
    return f"token {caller(request).name}"


def must(found: Item | None) -> Item:
    """Return the row. Raises a 404 for None."""
    if found is None:
        raise not_found()
    return found
