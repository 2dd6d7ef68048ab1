"""Describes the machine of a run, because absolute figures depend on it."""

import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version

from bench.peers import PACKAGES

SYNCS = 100


def describe() -> dict[str, object]:
    """Return platform, cores, versions, and the time of a sync to disk."""
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average": list(os.getloadavg()),
        "sync_ms": round(sync_time() * 1000, 3),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def sync_time() -> float:
    """Return the median seconds to write and sync 8 KiB, in the folder of the databases."""
    found = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            file.write(bytes(8192))
            os.fsync(file.fileno())
            found.append(time.perf_counter() - started)
    return statistics.median(found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
