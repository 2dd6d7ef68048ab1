"""What may be wrong with a body before any schema judges it."""


class PayloadError(ValueError):
    """The body does not hold a payload that can be read."""


class NotJSONError(PayloadError):
    """The body is not JSON, or is a form without a field `payload`."""


class TooDeepError(PayloadError):
    """The body is nested more deeply than can be read."""


class TooLongError(PayloadError):
    """The JSON in the body is longer than the caller takes."""
