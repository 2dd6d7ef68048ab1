"""Django's admin, for accounts and tokens: it counts whole tables, so ledger and records stay out of it."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import AdminSite, ModelAdmin, action, display
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ManyToManyField, QuerySet
from django.forms import CharField, CheckboxSelectMultiple, HiddenInput
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString

from api.models import Token
from console.accounts.roles import OPERATOR_GROUP, Role

if TYPE_CHECKING:
    _TokenAdmin = ModelAdmin[Token]
    _UserAdmin = UserAdmin[User]
    _UserForm = UserChangeForm[User]
else:
    _TokenAdmin = ModelAdmin  # Django's classes take no type
    _UserAdmin = UserAdmin
    _UserForm = UserChangeForm

ROLES = (
    "Every account is a viewer. The group operator may also replay deliveries and start operations."
    " A superuser is an admin, and may also manage accounts and tokens."
)
CHANGED = SafeString(
    'This account was changed after its page was loaded. <a href="">Load it again</a>, and repeat the change.'
)


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


class AccountForm(_UserForm):
    """The form of an account. It refuses to undo what was saved after its page was loaded."""

    seen = CharField(widget=HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown = {name: value for name, value in self.initial.items() if name != "password"}
        shown["groups"] = sorted(group.pk for group in shown["groups"])
        self.initial["seen"] = salted_hmac(__name__, repr(sorted(shown.items()))).hexdigest()

    def clean(self) -> dict[str, Any] | None:
        """Raise `ValidationError` if the stored account is not the one that the page showed."""
        if self.data.get("seen") != self.initial["seen"]:
            raise ValidationError(CHANGED)
        return super().clean()


class AccountAdmin(_UserAdmin):
    """Accounts with their roles. Permissions of Django's own mean nothing here, so no page offers them."""

    form = AccountForm
    list_display = ("username", "role", "email", "is_active", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    # The widget with two lists has labels that no screen reader speaks.
    filter_horizontal = ()
    formfield_overrides: ClassVar = {ManyToManyField: {"widget": CheckboxSelectMultiple}}
    fieldsets = (
        (None, {"fields": ("username", "password", "seen")}),
        ("Role", {"fields": ("is_active", "groups", "is_superuser"), "description": ROLES}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Keep the role of an admin's own account: whoever takes it away is another admin, who stays one."""
        own = ("is_active", "is_superuser") if obj == request.user else ()
        return (*self.readonly_fields, *own)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return False for an admin's own account."""
        return obj != request.user and super().has_delete_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the accounts, with one statement for the groups of all."""
        return super().get_queryset(request).prefetch_related("groups")

    @display(description="role")
    def role(self, user: User) -> str:
        """Return the role of an account."""
        if user.is_superuser:
            return Role.ADMIN
        in_group = any(group.name == OPERATOR_GROUP for group in user.groups.all())
        return Role.OPERATOR if in_group else Role.VIEWER


class TokenAdmin(_TokenAdmin):
    """Tokens of the API: to see and to revoke. `manage.py token` creates them."""

    list_display = ("name", "scope", "limit", "created_at", "expires_at", "last_used_at", "revoked_at")
    fields = ("name", "key", "scope", "limit", "created_at", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = fields
    actions = ("revoke",)

    def changelist_view(
        self, request: HttpRequest, extra_context: "dict[str, object] | None" = None
    ) -> HttpResponse:
        """List the tokens, and say how one is created."""
        title = "Tokens: manage.py token create NAME --scope read creates one"
        return super().changelist_view(request, {**(extra_context or {}), "title": title})

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: a page would show the token on the screen."""
        return False

    @action(description="Revoke the selected tokens")
    def revoke(self, request: HttpRequest, tokens: QuerySet[Token]) -> None:
        """End the tokens now. What they did stays known."""
        count = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} revoked.")


site = AccountsSite(name="admin")
site.register(User, AccountAdmin)
site.register(Token, TokenAdmin)
