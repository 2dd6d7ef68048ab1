"""The same job on procrastinate, whose queue is PostgreSQL: ten jobs at a time, as on arq, instead of one."""

import os

from procrastinate import App, PsycopgConnector

from bench.peers.textbook import work

app = App(
    connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]), worker_defaults={"concurrency": 10}
)


@app.task(name="process")
async def process(pk: int) -> None:
    """Process one delivery."""
    await work.process(pk)
