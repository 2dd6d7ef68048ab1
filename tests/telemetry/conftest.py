"""A receiver and a worker that trace and write JSON, and a push that they took."""

import json
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests import emptying, github, processes, servers

WITH_SDK = Path(__file__).parent / "with_sdk"


@dataclass(frozen=True)
class Told:
    """The guid of the push, and what the two processes wrote: lines, and spans by name."""

    guid: str
    receiver: list[dict[str, Any]]
    worker: list[dict[str, Any]]
    received: dict[str, dict[str, Any]]
    spans: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def told(
    database_url: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Told:
    """Return what was told of the push; its rows are deleted."""
    folder = tmp_path_factory.mktemp("told")
    receiver_log, worker_log, file = folder / "receiver.log", folder / "worker.log", folder / "spans"
    file.touch()
    there = {
        "DATABASE_URL": database_url,
        "REDIS_URL": f"unix://{servers.folder / 'redis.sock'}?db=2",
        "LOG_FORMAT": "json",
        "TRACES": "1",
        "SPANS": str(file),
        "PYTHONPATH": os.pathsep.join([str(WITH_SDK), os.environ.get("PYTHONPATH", "")]),
    }
    sent = github.sample("push__branch")

    def spans() -> dict[str, dict[str, Any]]:
        return {span["name"]: span for span in map(json.loads, file.read_text().splitlines())}

    def lines(log: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in log.read_text().splitlines()]

    with processes.receiver(receiver_log, **there) as url:
        processes.wait_until(lambda: "Uvicorn running on" in receiver_log.read_text(), "uvicorn's line")
        request = urllib.request.Request(f"{url}/webhooks/github", sent.body, sent.headers)
        with urllib.request.urlopen(request):
            pass
        received = spans()
    with processes.worker(worker_log, **there):
        processes.wait_until(lambda: "settle" in file.read_text(), "it is settled")
        processes.wait_until(lambda: sent.guid in worker_log.read_text(), "it is logged")
    with django_db_blocker.unblock():
        emptying.empty()
    return Told(sent.guid, lines(receiver_log), lines(worker_log), received, spans())
