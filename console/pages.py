"""Common parts of every page: the navigation and the account that is signed in."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
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
)
OPERATORS = (("/doctor", "Doctor"),)
ADMINS = (("/admin/", "Accounts"),)


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
    }
    return render(request, f"console/{template}", common | context, status=status)
