"""Plain async Django views."""

from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse

from api import tokens
from api.deliveries import DeliveryDetail, DeliveryItem
from receiver.models import Delivery

ITEM, DETAIL = tuple(DeliveryItem.model_fields), tuple(DeliveryDetail.model_fields)


async def deliveries(request: HttpRequest) -> JsonResponse:
    """Answer with the newest 50."""
    if await _token(request) is None:
        return JsonResponse({}, status=HTTPStatus.UNAUTHORIZED)
    rows = Delivery.objects.order_by("-pk").values(*ITEM)[:51]
    found = [row async for row in rows]
    return JsonResponse({"items": found[:50], "next": str(found[50]["id"]) if len(found) > 50 else None})


async def delivery(request: HttpRequest, pk: int) -> JsonResponse:
    """Answer with one."""
    if await _token(request) is None:
        return JsonResponse({}, status=HTTPStatus.UNAUTHORIZED)
    found = await Delivery.objects.filter(pk=pk).values(*DETAIL).afirst()
    return JsonResponse(found or {}, status=HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)


async def _token(request: HttpRequest) -> object:
    return await sync_to_async(tokens.find)(request.headers.get("Authorization", "").removeprefix("Bearer "))
