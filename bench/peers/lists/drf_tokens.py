"""The API's tokens in Django REST framework, which imports this before its views."""

from typing import Any

from rest_framework import authentication, exceptions

from api import tokens


class BearerToken(authentication.BaseAuthentication):
    """The same tokens."""

    def authenticate(self, request: Any) -> tuple[Any, Any]:
        """Return the token as the account. Raises a 401."""
        found = tokens.find(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if found is None:
            raise exceptions.AuthenticationFailed
        return found, found
