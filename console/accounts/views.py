"""Signing in and out."""

from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import aauthenticate, alogin, alogout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django_htmx.http import HttpResponseClientRefresh

from console.accounts import links
from console.accounts.models import WINDOW, SignInAttempt
from console.pages import ActionView

WRONG = "Name and password do not match."
THROTTLED = f"Too many attempts. Try again in {WINDOW.total_seconds() // 60:.0f} minutes."
ENDED = "Your session has ended. Sign in to go on."
LINK_USED = "This link does not work: each link signs in once. A new one: `manage.py sign_in_link`."


@method_decorator(login_not_required, name="dispatch")
class SignInView(View):
    """The form for name and password."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form; a part of a page that htmx fetches after the session's end reloads the page."""
        if request.user.is_authenticated:  # another tab signed in
            return redirect(_next(request))
        if getattr(request, "htmx", False):
            messages.info(request, ENDED)
            return cast("HttpResponseBase", HttpResponseClientRefresh())
        return _form(request)

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        """Sign in, and go to the page that was asked for."""
        # PostgreSQL stores no NUL, so no account has one in its name.
        name = request.POST.get("name", "").replace("\0", "")
        password = request.POST.get("password", "")
        attempt = await SignInAttempt.begin(name, request.META.get("REMOTE_ADDR", ""))
        if attempt is None:
            response = _form(request, THROTTLED, HTTPStatus.TOO_MANY_REQUESTS)
            response["Retry-After"] = f"{WINDOW.total_seconds():.0f}"
            return response
        user = await aauthenticate(request, username=name, password=password)
        if user is None:
            return _form(request, WRONG, HTTPStatus.FORBIDDEN)
        await attempt.succeed()
        await _begin_session(request, user)
        return redirect(_next(request))


@method_decorator(login_not_required, name="dispatch")
class LinkView(View):
    """The link that `make run` prints."""

    http_method_names = ("get",)  # a HEAD, as of a preview, would use the link up

    async def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Sign in as the admin of this machine, once, and only from this machine."""
        if request.user.is_authenticated:
            return redirect(settings.LOGIN_REDIRECT_URL)
        if not links.is_local(request) or not links.take(settings.DATA, token):
            return _form(request, LINK_USED, HTTPStatus.FORBIDDEN)
        user, _ = await User.objects.aget_or_create(
            username=links.USER, defaults={"is_superuser": True, "is_staff": True, "password": "!"}
        )
        await _begin_session(request, user)
        return redirect(settings.LOGIN_REDIRECT_URL)


class SignOutView(ActionView):
    """The button in the head of every page."""

    page_name = "overview"

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        """End the session."""
        await alogout(request)
        return redirect(settings.LOGOUT_REDIRECT_URL)


async def _begin_session(request: HttpRequest, user: User) -> None:
    await Session.objects.filter(expire_date__lt=timezone.now()).adelete()
    await alogin(request, user, backend="django.contrib.auth.backends.ModelBackend")


def _form(request: HttpRequest, error: str = "", status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {
        "error": error,
        "next": _next(request),
        "name": request.POST.get("name", ""),
        "link": error != LINK_USED and links.is_local(request),
    }
    return render(request, "console/sign_in.html", context, status=status)


def _next(request: HttpRequest) -> str:
    """Return the page to go to: one of the console's own, whatever the link said."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return "/"
