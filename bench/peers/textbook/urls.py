"""The view, and its URL."""

import hashlib
import hmac
import json
import os

from arq import ArqRedis, create_pool
from arq.connections import RedisSettings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from bench.peers.textbook.models import Delivery

SECRET = os.environ["PEER_SECRET"].encode()
_pools: list[ArqRedis] = []


async def arq_pool() -> ArqRedis:
    """Return the Redis pool of this process."""
    if not _pools:
        _pools.append(await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"])))
    return _pools[0]


@csrf_exempt
async def webhook(request: HttpRequest) -> HttpResponse:
    """Verify, store and enqueue the delivery, then answer 202."""
    expected = "sha256=" + hmac.new(SECRET, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("X-Hub-Signature-256", ""), expected):
        return HttpResponse(status=403)
    delivery = await Delivery.objects.acreate(
        guid=request.headers["X-GitHub-Delivery"],
        event=request.headers["X-GitHub-Event"],
        payload=json.loads(request.body),
    )
    pool = await arq_pool()
    await pool.enqueue_job("process", delivery.pk)
    return JsonResponse({"status": "accepted"}, status=202)


urlpatterns = [path("", webhook)]
