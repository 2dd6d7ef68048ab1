"""Django's admin, for accounts alone: it counts whole tables, so ledger and records stay out of it."""

from django.contrib.admin import AdminSite
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator


class AccountsSite(AdminSite):
    """Open to admins, who sign in through the console's own page, which throttles."""

    site_header = "Hookkeeper: accounts"
    site_title = "Hookkeeper"
    index_title = "Accounts"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the account has the role of an admin."""
        return request.user.is_active and bool(getattr(request.user, "is_superuser", False))

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: "dict[str, object] | None" = None) -> HttpResponse:
        """Lead to the console's page for signing in; 403 for an account that is no admin."""
        if request.user.is_authenticated:
            raise PermissionDenied("Only an admin may do this.")
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("sign-in"))


site = AccountsSite(name="admin")
site.register(User, UserAdmin)
site.register(Group, GroupAdmin)
