"""The same job on Celery, with default settings: as many processes as the machine has cores."""

import os

from celery import Celery

from bench.peers.textbook import work_sync

app = Celery(broker=os.environ["REDIS_URL"].replace("unix://", "redis+socket://"))


@app.task(name="process")
def process(pk: int) -> None:
    """Process one delivery."""
    work_sync.process(pk)
