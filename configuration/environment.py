"""Reads typed values of environment variables."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
Unset = TypeVar("Unset", str, None)

SWITCHES = {
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "false", "n", "no"), False),
}


class Environment:
    """Returns a variable as one type, or its default where it is not set.

    Methods raise `ImproperlyConfigured` for a wrong value. The error names the variable, and does not repeat
    the value, which may be a secret.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: Unset) -> str | Unset:
        """Return the text."""
        return self._variables.get(name, default)

    def switch(self, name: str, default: bool) -> bool:
        """Return whether it is on: `on`, `yes`, `true` or `1`, not `off`, `no`, `false` or `0`."""
        return self._read(name, default, lambda text: SWITCHES[text.lower()], "on or off")

    def whole(self, name: str, default: int) -> int:
        """Return a whole number."""
        return self._read(name, default, int, "a whole number")

    def number(self, name: str, default: float) -> float:
        """Return a number, which may be infinite or nan."""
        return self._read(name, default, float, "a number")

    def texts(self, name: str, default: list[str]) -> list[str]:
        """Return the texts between commas; none for an empty value."""
        return self._read(name, default, lambda text: text.split(",") if text else [], "a list")

    def _read(self, name: str, default: T, read: Callable[[str], T], kind: str) -> T:
        text = self._variables.get(name)
        if text is None:
            return default
        try:
            return read(text)
        except (KeyError, ValueError):
            raise ImproperlyConfigured(f"{name} must be {kind}.") from None
