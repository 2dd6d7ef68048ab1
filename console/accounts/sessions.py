"""Sessions. A request without one leads to the page for signing in, and from there back to a page."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends import db
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from console.pages import page_of_form

ENDED = "Nothing was done, as your session had ended. Sign in, and send the form again."


class SessionStore(db.SessionStore):
    """Django's sessions in the database, as `SESSION_ENGINE` names them.

    A cookie that cannot be a key is none: a quoted one may hold NUL, for which PostgreSQL raises an error.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if session_key and session_key.isalnum() else None)


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
