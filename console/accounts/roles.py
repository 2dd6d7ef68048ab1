"""The three roles: every account is a viewer, group `operator` makes an operator, superusers are admins."""

from enum import StrEnum
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

OPERATOR_GROUP = "operator"


class Role(StrEnum):
    """The roles; each includes the rights of the ones before it."""

    VIEWER = "viewer"
    """See everything, payloads included."""
    OPERATOR = "operator"
    """Replay deliveries, start and cancel operations."""
    ADMIN = "admin"
    """Create accounts and change roles."""

    @property
    def may_operate(self) -> bool:
        """Whether this role may change anything."""
        return self is not Role.VIEWER


def read_role(user: "User | AnonymousUser") -> Role:
    """Return the role of an account."""
    if user.is_superuser:
        return Role.ADMIN
    return Role.OPERATOR if user.groups.filter(name=OPERATOR_GROUP).exists() else Role.VIEWER


async def role_of(request: HttpRequest) -> Role:
    """Return the role of the account that is signed in.

    The middleware that requires `request.user` has read it. `request.auser()` would return the account before
    `alogin`, where a proxy's header changes the account within a session.
    """
    return await sync_to_async(read_role)(request.user)


async def require_operator(request: HttpRequest) -> None:
    """Raise `PermissionDenied`, which is answered with 403, unless the account may change things."""
    if not (await role_of(request)).may_operate:
        raise PermissionDenied("Only an operator may do this.")
