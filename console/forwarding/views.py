"""The button that forwards one delivery to a URL of the allow-list."""

import logging
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from console import escaping, signing
from console.accounts.roles import require_operator
from console.forwarding import target as targets
from console.forwarding.client import Answer, Client, NoAnswerError, NotReachedError
from console.forwarding.outgoing import outgoing
from console.pages import ActionView
from receiver.frames import UnreadableBodyError
from receiver.models import Delivery

logger = logging.getLogger(__name__)

LONGEST_ANSWER = 200  # characters that the page shows


class ForwardView(ActionView):
    """Sends a delivery once, as GitHub sent it and signed anew."""

    page_name = "delivery"

    async def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Forward the delivery, and go back to its page; 403 for a URL that no setting names."""
        await require_operator(request)
        url = request.POST.get("url", "")
        if url not in settings.FORWARD_URLS:
            raise PermissionDenied("FORWARD_URLS does not name this URL.")
        delivery = await Delivery.objects.defer("body").filter(pk=pk).afirst()
        if delivery is None:
            raise Http404
        level, said = await _forward(delivery, url)
        logger.info(
            "forward user=%s delivery=%d url=%s answer=%r", request.user.get_username(), pk, url, said
        )
        messages.add_message(request, level, said)
        return redirect("delivery", pk)


async def _forward(delivery: Delivery, url: str) -> tuple[int, str]:
    """Return the level and text of the message about the outcome."""
    try:
        body = await Delivery.objects.filter(pk=delivery.pk).values_list("body", flat=True).afirst()
    except UnreadableBodyError:
        return (
            messages.ERROR,
            "Not forwarded: its stored body is damaged, or of a later version, and cannot be decompressed.",
        )
    if body is None:
        return messages.ERROR, "Not forwarded: its body was pruned."
    try:
        secret = signing.forward_secret()
        async with Client(targets.parse(url), accept=targets.is_harmless) as client:
            answer = await client.send(outgoing(delivery, body, secret))
    except (signing.NoSecretError, NotReachedError) as error:
        return messages.ERROR, f"Not forwarded to {url}: {error}"
    except NoAnswerError as error:
        return messages.ERROR, f"Sent to {url}, which may have taken it: {error}"
    accepted = HTTPStatus(200) <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    return messages.INFO if accepted else messages.ERROR, _said(url, answer)


def _said(url: str, answer: Answer) -> str:
    text = escaping.plain(" ".join(answer.text.split())[:LONGEST_ANSWER])
    said = f"{url} answered {answer.status} in {answer.seconds * 1000:.0f} ms"
    return f"{said}: {text}" if text else f"{said}."
