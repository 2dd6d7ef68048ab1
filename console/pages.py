"""Common parts of every page: the navigation and the account that is signed in."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone

from console.accounts.roles import Role, role_of

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
    role = await role_of(request)
    common = {
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
    return render(request, f"console/{template}", common | context, status=status)
