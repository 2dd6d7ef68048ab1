"""Python begins with this when its folder is on PYTHONPATH: the clock is off by CLOCK_OFF seconds.

Before anything else is imported, so that whoever asks for the time, by whatever name, is told the wrong one.
Only what measures time (`monotonic`, `perf_counter`) is as ever.
"""

import datetime
import os
import time
from typing import Any

OFF = float(os.environ["CLOCK_OFF"])

right_time, right_time_ns = time.time, time.time_ns
RightDatetime = datetime.datetime


class Instances(type):
    """What the driver and the standard library make is of the class that was there before."""

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
