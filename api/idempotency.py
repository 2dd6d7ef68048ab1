"""`Idempotency-Key`: the same request sent again gets the first answer, and has no second effect.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Header

from api.models import IdempotentAnswer, Token
from api.problems import invalid

NAME = "Idempotency-Key"
KEPT_FOR = timedelta(days=1)

Key = Annotated[
    str | None,
    Header(
        alias=NAME,
        pattern=r"^[!-~]{1,255}$",
        description="a text of your choice; for a day, a repetition with the same text gets the first answer",
    ),
]


@transaction.atomic
def once(
    request: HttpRequest, token: Token, key: str | None, work: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """Return the answer of `work`, or of the first request with this key, and whether `work` ran.

    Effect and answer are one transaction; a request at the same time waits for it. Raises a 422 if the key
    came with another request.
    """
    if key is None:
        return work(), True
    now = timezone.now()
    IdempotentAnswer.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    content = f"{request.method} {request.path}\n".encode() + request.body
    digest = hashlib.sha256(content).digest()
    row, created = IdempotentAnswer.objects.get_or_create(
        token=token, key=key, defaults={"digest": digest, "created_at": now}
    )
    if not created:
        if bytes(row.digest) != digest:
            raise invalid(f"header.{NAME}", f"{NAME} was sent with another request before")
        answer: dict[str, Any] = json.loads(row.answer)
        return answer, False
    answer = work()
    row.answer = json.dumps(answer)
    row.save(update_fields=["answer"])
    return answer, True
