"""Shift the clock of this process by CLOCK_OFF seconds. Python imports it at start from PYTHONPATH.

It runs before any other import, so that every function that returns the time is wrong. `monotonic` and
`perf_counter` stay right.
"""

import datetime
import os
import time
from typing import Any

OFF = float(os.environ["CLOCK_OFF"])

right_time, right_time_ns = time.time, time.time_ns
RightDatetime = datetime.datetime


class Instances(type):
    """Instances that the driver and the standard library create have the original class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RightDatetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, RightDatetime)


class OffDatetime(RightDatetime, metaclass=Instances):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return RightDatetime.now(tz) + datetime.timedelta(seconds=OFF)

    @classmethod
    def utcnow(cls) -> Any:
        return RightDatetime.utcnow() + datetime.timedelta(seconds=OFF)


time.time = lambda: right_time() + OFF
time.time_ns = lambda: right_time_ns() + int(OFF * 1e9)
datetime.datetime = OffDatetime  # type: ignore[misc]
