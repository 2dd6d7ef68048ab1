"""What the reader of the environment accepts as a number or a switch, and its one message about any other."""

from collections.abc import Callable
from typing import Any

from environs import ValidationError

# The value is shown, because neither a number nor a switch is a secret; its end is not, however long it is.
_NOT = "must be {}, not {{input!r:.50}}."
SWITCH: dict[str, Any] = {"error_messages": {"invalid": _NOT.format("true or false")}}
"""The arguments of `env.bool`."""


def must_be(allowed: str, accepts: Callable[[float], bool]) -> dict[str, Any]:
    """Return the arguments of `env.int` and `env.float` for a number that `accepts` accepts.

    `allowed` describes it.
    """
    message = _NOT.format(allowed)

    def check(number: float) -> None:
        if not accepts(number):
            raise ValidationError(message.format(input=number))

    special = f"must be {allowed}, not NaN or infinity."  # marshmallow shows no value here
    return {"validate": check, "error_messages": {"invalid": message, "special": special}}
