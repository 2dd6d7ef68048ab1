"""The event loop of a worker: a handler that blocks it is named in the log."""

import asyncio
import logging
import signal
import subprocess
import sys
import time

import pytest
from asgiref.sync import sync_to_async

from handlers import DeliveryContext, Registry
from processing import blocking
from processing.batch_runner import BatchRunner
from schemas.push import PushEvent
from tests import processes
from tests.processing.deliveries import EVENTS, drain, stored

# It is stopped by its test, and then blocks itself without letting a thread run.
WATCHED = """
import asyncio, logging, re, sys, django
django.setup()
from processing import blocking
logging.basicConfig(format="%(message)s")
blocking.LOOK_EVERY, blocking.LOGGED_FROM = 0.02, 0.3
async def main():
    watching = asyncio.create_task(blocking.watch(0.4))
    await asyncio.sleep(0.05)
    print("runs", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(0.05)
    print("goes on", flush=True)
    re.match("(a+)+$", 40 * "a" + "b")
asyncio.run(main())
"""

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


async def test_a_handler_that_blocks_the_event_loop_is_logged_once_with_its_place_and_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(blocking, "LOOK_EVERY", 0.02)
    registry = Registry()

    @registry.on(PushEvent)
    async def blocks(_event: PushEvent, _delivery: DeliveryContext) -> None:
        time.sleep(2.5)  # noqa: ASYNC251 - what it must not do

    await sync_to_async(stored)()
    watching = asyncio.create_task(blocking.watch(60))
    with caplog.at_level(logging.WARNING, "processing.blocking"):
        await drain(BatchRunner(EVENTS, registry, "worker of the test"))
        await asyncio.sleep(5 * blocking.LOOK_EVERY)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    # Whatever else a busy machine delays is in no handler.
    [line] = [record for record in caplog.records if "test_blocking.py" in record.getMessage()]
    event, seconds, place = line.getMessage().rsplit(" ", 2)
    assert event == "event loop blocked"
    assert float(seconds.removeprefix("seconds=")) > 2
    assert place == f"at=tests/processing/test_blocking.py:{blocks.__code__.co_firstlineno + 2}"


def test_a_stopped_process_goes_on_and_one_that_lets_no_thread_run_ends_with_its_stacks() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED], cwd=processes.ROOT,
        env=processes.environment(DJANGO_SETTINGS_MODULE="settings"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.6)  # longer than it may be blocked
        process.send_signal(signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "goes on\n"
        _, errors = process.communicate(timeout=processes.PATIENCE)
    assert process.returncode == -signal.SIGPROF
    assert errors.splitlines()[0].endswith("at=(process stopped)")
    assert "in match" in errors
