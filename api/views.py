"""Saved views: filters of deliveries under a name. Changes name the version that they change (`If-Match`)."""

import re
from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from django.db import IntegrityError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Path, Query, Router, Status
from pydantic import Field

from api.deliveries import Filters, chosen
from api.models import SavedView
from api.problems import ProblemError, conflict, invalid
from api.schemas import DEFAULT_ITEMS, Content, Limit, Model, Page, Parameters, must, page, requester

router = Router(tags=["views"])

_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$"
Name = Annotated[str, Field(pattern=_NAME, examples=["dead pushes"])]
PathName = Annotated[str, Path(pattern=_NAME, description="the view's name")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="the ETag of the version to change, or `*` for any"),
]
# https://www.rfc-editor.org/rfc/rfc9110#name-if-match
_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")
# A weak tag never matches: the comparison is a strong one.
_VERSION = re.compile(r'(?<!W/)"([0-9]{1,18})"')
_ETAG = {"ETag": {"description": "names this version", "schema": {"type": "string"}}}
_TAGGED = {"responses": {200: {"headers": _ETAG}}}
_GUARDED = {
    412: {"description": "it was changed meanwhile"},
    428: {"description": "If-Match is missing"},
}


class Listed(Parameters):
    """The parameters of the list."""

    cursor: Name | None = Field(None, description="where the page begins, as in `next`")
    limit: Limit = DEFAULT_ITEMS


class View(Model):
    """A saved view."""

    name: Name
    filter: dict[str, str] = Field(examples=[{"status": "dead", "event": "push"}])
    query: str = Field(description="the filter as the query of a URL", examples=["status=dead&event=push"])
    version: int
    changed_at: datetime
    changed_by: str = Field(description="the token that wrote it last")


class NewView(Content):
    """A view to save."""

    name: Name
    filter: Filters


class ReplacedView(Content):
    """The new filter of a view."""

    filter: Filters


class ChangedView(Content):
    """A merge patch of a view: https://www.rfc-editor.org/rfc/rfc7396. A filter that is null is removed."""

    name: Name | None = None
    filter: Filters | None = None


@router.get("", response=Page[View], summary="List saved views")
async def list_views(request: HttpRequest, query: Query[Listed]) -> Page[View]:
    """List the saved views by name. The console shows them as chips."""
    rows = SavedView.objects.order_by("name")
    if query.cursor is not None:
        rows = rows.filter(name__gt=query.cursor)
    return page(request, [_shown(row) async for row in rows[: query.limit + 1]], query.limit, "name")


@router.post(
    "",
    response={201: View},
    summary="Save a view",
    openapi_extra={
        "responses": {201: {"headers": _ETAG}, 409: {"description": "there is a view of this name"}}
    },
)
async def create_view(request: HttpRequest, response: HttpResponse, body: NewView) -> Status[View]:
    """Save a filter under a name. 409 if there is a view of this name."""
    try:
        row = await SavedView.objects.acreate(
            name=body.name,
            filter=_values(body.filter),
            changed_at=timezone.now(),
            changed_by=requester(request),
        )
    except IntegrityError:
        raise conflict("There is a view of this name.") from None
    response["Location"] = f"/api/v1/views/{quote(row.name)}"
    return Status(201, _tagged(response, row))


@router.get("/{name}", response=View, summary="Get a saved view", openapi_extra=_TAGGED)
async def get_view(request: HttpRequest, response: HttpResponse, name: PathName) -> View:
    """Get a saved view, and the ETag that names its version."""
    return _tagged(response, must(await SavedView.objects.filter(name=name).afirst()))


@router.put(
    "/{name}",
    response=View,
    summary="Replace a saved view",
    openapi_extra={"responses": {200: {"headers": _ETAG}, **_GUARDED}},
)
async def replace_view(
    request: HttpRequest, response: HttpResponse, name: PathName, body: ReplacedView, if_match: IfMatch = None
) -> View:
    """Replace the filter of a saved view."""
    await _write(request, name, _versions(if_match), {"filter": _values(body.filter)})
    return _tagged(response, must(await SavedView.objects.filter(name=name).afirst()))


@router.patch(
    "/{name}",
    response=View,
    summary="Change a saved view",
    openapi_extra={
        "responses": {
            200: {"headers": _ETAG}, 409: {"description": "there is a view of the new name"}, **_GUARDED,
        }
    },
)  # fmt: skip
async def change_view(
    request: HttpRequest, response: HttpResponse, name: PathName, body: ChangedView, if_match: IfMatch = None
) -> View:
    """Change single filters of a saved view, or its name."""
    versions = _versions(if_match)
    row = must(await SavedView.objects.filter(name=name).afirst())
    changes: dict[str, Any] = {"name": body.name} if body.name is not None else {}
    if body.filter is not None:
        removed = {each for each in body.filter.model_fields_set if getattr(body.filter, each) is None}
        kept = {each: value for each, value in row.filter.items() if each not in removed}
        changes["filter"] = kept | _values(body.filter)
        # Only the version that was read is changed.
        versions = {row.version} if versions is None else versions & {row.version}
    try:
        await _write(request, name, versions, changes)
    except IntegrityError:
        raise conflict("There is a view of the new name.") from None
    return _tagged(response, must(await SavedView.objects.filter(pk=row.pk).afirst()))


@router.delete(
    "/{name}",
    response={204: None},
    summary="Delete a saved view",
    openapi_extra={"responses": _GUARDED},
)
async def delete_view(request: HttpRequest, name: PathName, if_match: IfMatch = None) -> Status[None]:
    """Delete a saved view."""
    deleted, _ = await _chosen(name, _versions(if_match)).adelete()
    if not deleted:
        await _refuse(name)
    return Status(204, None)


async def _write(
    request: HttpRequest, name: str, versions: Collection[int] | None, changes: dict[str, Any]
) -> None:
    """Write in one statement, which only changes one of these versions."""
    written = await _chosen(name, versions).aupdate(
        **changes, version=F("version") + 1, changed_at=timezone.now(), changed_by=requester(request)
    )
    if not written:
        await _refuse(name)


def _chosen(name: str, versions: Collection[int] | None) -> QuerySet[SavedView]:
    rows = SavedView.objects.filter(name=name)
    return rows if versions is None else rows.filter(version__in=versions)


def _versions(if_match: str | None) -> set[int] | None:
    """Return the versions that may be changed, None for any. Raises a 428 without the header."""
    if if_match is None:
        raise ProblemError(HTTPStatus.PRECONDITION_REQUIRED, "If-Match is needed: the ETag of the view.")
    if if_match == "*":
        return None
    if not _TAGS.fullmatch(if_match):
        raise invalid("header.If-Match", 'If-Match is an ETag in its quotes, as "3", several, or *')
    return {int(version) for version in _VERSION.findall(if_match)}


async def _refuse(name: str) -> None:
    """Raise why nothing was written: a 404, or a 412."""
    must(await SavedView.objects.filter(name=name).afirst())
    raise ProblemError(HTTPStatus.PRECONDITION_FAILED, "The view was changed meanwhile: read it again.")


def _values(given: Filters) -> dict[str, str]:
    """Return the filter as text by name. Raises a 422 for one that cannot be a filter."""
    return dict(chosen(given.model_dump(mode="json", exclude_none=True), "body.filter").chosen)


def _shown(row: SavedView) -> View:
    return View(
        name=row.name,
        filter=row.filter,
        query=row.query,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def _tagged(response: HttpResponse, row: SavedView) -> View:
    response["ETag"] = f'"{row.version}"'
    return _shown(row)
