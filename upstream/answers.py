"""Models of GitHub's answers, with only the fields that Hookkeeper needs.

Ids are 64-bit and exceed 2^53, the largest integer that JavaScript holds exactly. Python has no such limit;
pages and the API show them as text.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

import schemas

Text = Annotated[str, AfterValidator(schemas.storable)]


class Answer(BaseModel):
    """The base of all answers. Unknown fields are dropped, because GitHub adds fields at any time.

    A null or invalid value counts as absent where it may be absent, to not cost the whole answer.
    """

    @field_validator("*", mode="wrap")
    @classmethod
    def _read(cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return read(value)
        except ValidationError:
            field = cls.model_fields[info.field_name or ""]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


class ListedDelivery(Answer):
    """One attempt to deliver, in the list of a hook.

    https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
    """

    id: schemas.BigInt
    guid: UUID
    delivered_at: AwareDatetime
    status: Text = ""
    status_code: int = 0
    event: Text
    action: Text | None = None


class Sent(Answer):
    """The request of a delivery as GitHub shows it: the payload is parsed JSON, not the exact bytes."""

    headers: dict[str, Any] | None = None
    payload: dict[str, Any] | None = None


class DeliveryDetail(ListedDelivery):
    """One attempt to deliver, with its request."""

    request: Sent = Sent()


class HookConfig(Answer):
    """Where a hook sends its deliveries, and how."""

    url: str = ""
    content_type: str = "form"
    insecure_ssl: str | float = "0"
    secret: str | None = Field(default=None, repr=False)
    """GitHub's placeholder when one is set."""


class LastResponse(Answer):
    """The answer to the newest delivery."""

    code: int | None = None
    status: str | None = None
    message: str | None = None


class HookAnswer(Answer):
    """A hook of a repository or an organisation."""

    id: int
    active: bool = True
    events: list[str] = []
    config: HookConfig = HookConfig()
    last_response: LastResponse | None = None


class AppAnswer(Answer):
    """An App."""

    id: int


class InstallationAnswer(Answer):
    """An installation of an App."""

    id: int


class InstallationToken(Answer):
    """A token of an installation; it is valid for an hour."""

    token: str = Field(repr=False)
    expires_at: datetime
