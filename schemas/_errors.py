"""Errors of a body that are found without a schema."""


class PayloadError(ValueError):
    """The body does not contain a readable payload."""


class NotJSONError(PayloadError):
    """The body is not JSON, or is a form without a field `payload`."""


class TooDeepError(PayloadError):
    """The body is nested too deeply."""


class TooLongError(PayloadError):
    """The JSON in the body is longer than the caller's limit."""
