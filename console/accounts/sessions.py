"""Requests without a session: each leads to the page for signing in, and from there back to a page."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

ENDED = "Nothing was done, as your session had ended. Sign in, and send the form again."


class SignInRequired(LoginRequiredMiddleware):
    """Requires an account. A form leads back to the page that it was on: its own address has none."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """Lead to the page for signing in."""
        page = page_of_form(request)
        if not page:
            return super().handle_no_permission(request, view_func)
        messages.warning(request, ENDED)
        return redirect_to_login(page, self.get_login_url(view_func), self.get_redirect_field_name(view_func))


def page_of_form(request: HttpRequest) -> str:
    """Return path and query of the page with the form that was sent; an empty text where it is unknown."""
    referer = request.headers.get("Referer", "")
    if request.method != "POST" or not url_has_allowed_host_and_scheme(referer, request.get_host()):
        return ""
    parts = urlsplit(referer)
    return parts._replace(scheme="", netloc="", fragment="").geturl() if parts.netloc else ""
