"""Hookkeeper's own worker with arq's default of looking for jobs every half second."""

from worker import WorkerSettings

WorkerSettings.poll_delay = 0.5

__all__ = ["WorkerSettings"]
