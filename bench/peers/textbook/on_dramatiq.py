"""The same job on Dramatiq, with default settings: a process for each core, each with eight threads."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers.textbook import work_sync

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor(actor_name="process")
def process(pk: int) -> None:
    """Process one delivery."""
    work_sync.process(pk)
