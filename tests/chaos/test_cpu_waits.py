"""The measure that the bounds on answers rest on."""

import os
import subprocess
import sys
import time

import pytest

from tests import processes
from tests.chaos.cpu_waits import CpuWaits
from tests.chaos.sender import Answer

BUSY = "import os; os.sched_setaffinity(0, {int(__import__('sys').argv[1])})\nwhile True: pass"


@pytest.mark.once
@pytest.mark.only("linux")
def test_a_wait_for_a_cpu_is_no_time_of_an_answer_and_a_pause_is() -> None:
    cpu = str(min(os.sched_getaffinity(0)))
    with (
        subprocess.Popen([sys.executable, "-c", BUSY, cpu]) as one,
        subprocess.Popen([sys.executable, "-c", BUSY, cpu]) as other,
    ):
        try:
            waits, paused = CpuWaits(one.pid, other.pid), CpuWaits()
            asked = time.monotonic()

            def seconds(sampled: CpuWaits) -> tuple[float, float]:
                sampled.sample()
                answer = Answer("", 202, asked, time.monotonic())
                return sampled.without(answer), answer.seconds

            seconds(waits), seconds(paused)

            def most_is_waiting() -> bool:
                without, whole = seconds(waits)
                return without < 0.5 * whole

            processes.wait_until(most_is_waiting, "two processes wait for one CPU")
            without, whole = seconds(paused)
            assert without == whole
        finally:
            one.kill()
            other.kill()
