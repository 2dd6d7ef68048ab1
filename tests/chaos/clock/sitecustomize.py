"""Python begins with this when its folder is on PYTHONPATH: a process whose clock is off by CLOCK_OFF seconds.

Before anything else is imported, so that whoever asks for the time, by whatever name, is told the wrong one.
Only what measures time (`monotonic`, `perf_counter`) is as ever.
"""

import datetime
import os
import time

OFF = float(os.environ["CLOCK_OFF"])

_time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime


class _Instances(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _datetime)


class _OffDatetime(_datetime, metaclass=_Instances):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "datetime.datetime":  # type: ignore[override]
        return _datetime.now(tz) + datetime.timedelta(seconds=OFF)

    @classmethod
    def utcnow(cls) -> "datetime.datetime":  # type: ignore[override]
        return _datetime.utcnow() + datetime.timedelta(seconds=OFF)  # noqa: DTZ003


time.time = lambda: _time() + OFF
time.time_ns = lambda: _time_ns() + int(OFF * 1e9)
datetime.datetime = _OffDatetime  # type: ignore[misc]
