"""`/metrics`: for Prometheus, with a token or from this machine."""

from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST

from api import outages, tokens
from console import exposition
from console.accounts import links


# Without a method that changes anything, a refusal of CSRF would only hide the 405.
@method_decorator([login_not_required, csrf_exempt], name="dispatch")
class MetricsView(View):
    """All metrics as text."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Answer 200, 401 without a token from elsewhere, or 503 while the database is away."""
        try:
            if not links.is_local(request) and not await _has_token(request):
                return HttpResponse(
                    "A token is required.\n",
                    status=HTTPStatus.UNAUTHORIZED,
                    content_type="text/plain",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            text = await sync_to_async(exposition.text)()
        except Error as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            said = HttpResponse("The database does not answer.\n", status=status, content_type="text/plain")
            return outages.logged(request, said, error)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


async def _has_token(request: HttpRequest) -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and await sync_to_async(tokens.find)(text.strip()) is not None
