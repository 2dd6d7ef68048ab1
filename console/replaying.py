"""Replay from the pages: one delivery, or those that are selected."""

import logging

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from console.accounts.roles import require_operator
from ledger.filters import LARGEST
from processing import replaying

logger = logging.getLogger(__name__)

# A page shows 50; more are a replay by filter.
MOST = 500


class ReplayView(View):
    """Makes deliveries due again, so that a worker processes them."""

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        """Replay the deliveries of the form, and go back to the page that it was on."""
        await require_operator(request)
        given = {int(text) for text in request.POST.getlist("id") if text.isascii() and text.isdigit()}
        ids = sorted(pk for pk in given if pk <= LARGEST)[:MOST]
        done = len(await sync_to_async(replaying.reopen)(ids)) if ids else 0
        logger.info("replay user=%s deliveries=%d ids=%s", request.user.get_username(), done, ids)
        messages.info(request, said(done, len(ids)))
        return redirect(_back(request))


def said(done: int, asked: int) -> str:
    """Return what became of the request, for the page."""
    if not asked:
        return "Nothing is selected."
    text = f"{done} {'delivery is' if done == 1 else 'deliveries are'} processed again."
    left = asked - done
    if left:
        text += f" {left} left alone: a worker is processing {'it' if left == 1 else 'them'}."
    return text


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, None) else "/deliveries"
