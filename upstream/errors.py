"""Errors of GitHub's API. Each message says what happened and what to do; none holds a credential."""

from ledger.operations import ExplainedError


class UpstreamError(ExplainedError):
    """GitHub's API did not carry out a request."""


class NotConfiguredError(UpstreamError):
    """No credential is set for this request."""


class UnreachableError(UpstreamError):
    """GitHub did not answer, or only with 5xx, after all attempts. Try again later."""


class UnsentError(UnreachableError):
    """No connection to GitHub could be made, so it has not seen the request. Try again later."""


class LimitedError(UpstreamError):
    """The rate limit ends later than the caller waits: in so many `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class UnauthorizedError(UpstreamError):
    """GitHub does not accept the credential (401)."""


class ForbiddenError(UpstreamError):
    """The credential has no permission for this request (403)."""


class NotFoundError(UpstreamError):
    """GitHub shows nothing there to this credential (404 or 410)."""


class RefusedError(UpstreamError):
    """GitHub refused the request for another reason, such as 422."""


class EmptyRepositoryError(RefusedError):
    """The repository has no commit yet (409)."""


class UnexpectedAnswerError(UpstreamError):
    """The answer differs from GitHub's documentation."""
