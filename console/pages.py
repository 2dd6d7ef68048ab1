"""Common parts of the pages: the navigation with the account, and the base of views that forms post to."""

import re
import sys
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template import loader
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.defaults import server_error

import database
from api import outages
from api.problems import RETRY_AFTER
from console.accounts.roles import Role, read_role, role_of

PAGES = (
    ("/", "Overview"),
    ("/deliveries", "Deliveries"),
    ("/operations", "Operations"),
    ("/repositories", "Repositories"),
    ("/rejections", "Rejections"),
    ("/recovery", "Recovery"),
    ("/unmatched", "Unmatched"),
    ("/api/v1/docs", "API"),
)
OPERATORS = (("/doctor", "Doctor"),)
ADMINS = (("/admin/", "Accounts"),)


@login_not_required
async def favicon(_request: HttpRequest) -> HttpResponse:
    """Lead browsers, which ask for it on pages that name no icon, to the icon."""
    return redirect(static("console/icon.svg"))


async def page(
    request: HttpRequest, template: str, context: dict[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """Render a template of the console for the account that is signed in."""
    common = {**_navigation(request, await role_of(request)), "key": uuid4()}
    return render(request, f"console/{template}", common | context, status=status)


def _navigation(request: HttpRequest, role: Role) -> dict[str, Any]:
    """Return what the head and the foot of a page need."""
    return {
        "now": timezone.now(),
        "role": role,
        "may_operate": role.may_operate,
        "pages": [
            *PAGES,
            *(OPERATORS if role.may_operate else ()),
            *(ADMINS if role is Role.ADMIN else ()),
        ],
        "here": request.path,
        "version": settings.VERSION,
    }


def _instead(request: HttpRequest, template: str, status: HTTPStatus, **context: Any) -> HttpResponse:
    """Return the page of a refusal or a failure, with the navigation where somebody is signed in."""
    user = getattr(request, "user", None)  # none where the request failed before its account was read
    if user is not None and user.is_authenticated:
        context |= _navigation(request, read_role(user))
    return render(request, template, context, status=status)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page of a 400: Django's `handler400`."""
    return _instead(request, "400.html", HTTPStatus.BAD_REQUEST)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page of a 404: Django's `handler404`."""
    return _instead(request, "404.html", HTTPStatus.NOT_FOUND)


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page of a 403: Django's `handler403`."""
    return _instead(request, "403.html", HTTPStatus.FORBIDDEN, exception=str(exception))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page of a form that did not come from the console: Django's `CSRF_FAILURE_VIEW`."""
    return _instead(request, "403_csrf.html", HTTPStatus.FORBIDDEN, form=page_of_form(request))


def failed(request: HttpRequest) -> HttpResponse:
    """Return the page in place of one that failed: Django's `handler500`.

    The page of an outage reads no database: neither account nor role are known.
    """
    error = sys.exc_info()[1]
    if not isinstance(error, Exception) or not database.is_outage(error):
        try:
            return _instead(request, "500.html", HTTPStatus.INTERNAL_SERVER_ERROR)
        except DatabaseError:
            return server_error(request)
    known = settings.SESSION_COOKIE_NAME in request.COOKIES
    response = HttpResponse(
        loader.get_template("503.html").render({"pages": PAGES, "here": request.path} if known else {}),
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headers={"Retry-After": str(RETRY_AFTER)},
    )
    return outages.logged(request, response, error)


class ActionView(View):
    """An address to which a page posts a form. It has no page of its own."""

    page_name = "deliveries"
    """The name of the page with the form; its URL has the same parts."""

    async def get(self, request: HttpRequest, **parts: int) -> HttpResponseBase:
        """Lead to the page with the form: a sign-in leads here if the session had ended."""
        messages.info(request, "Nothing was done. Send the form again.")
        return redirect(reverse(self.page_name, kwargs=parts))


def page_of_form(request: HttpRequest) -> str:
    """Return path and query of the page with the form that was sent; an empty text where it is unknown."""
    referer = request.headers.get("Referer", "")
    if request.method != "POST" or not url_has_allowed_host_and_scheme(referer, request.get_host()):
        return ""
    parts = urlsplit(referer)
    found = parts._replace(scheme="", netloc="", fragment="").geturl()
    # The path of //host is another host to a browser.
    return found if parts.netloc and url_has_allowed_host_and_scheme(found, None) else ""


def key_of(request: HttpRequest, *asked: object) -> UUID:
    """Return the key of what a form asks for. It is the same for a form that is sent twice.

    It depends on what was `asked`, as all forms of a page carry the page's key. Without that key it is fresh.
    """
    try:
        page_key = UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()
    return uuid5(page_key, repr(asked)) if asked else page_key


def row_id(text: str) -> int | None:
    """Return the id of a row that a form or a URL names; None where it cannot be one."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
