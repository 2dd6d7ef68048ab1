"""A worker with a thread that does not end, as a handler may leave one."""

import threading

from worker import WorkerSettings

__all__ = ["WorkerSettings"]

threading.Thread(target=threading.Event().wait).start()
