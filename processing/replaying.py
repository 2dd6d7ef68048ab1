"""Inline replay: an operator runs stored deliveries again in the foreground, as under a debugger."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from django.db import IntegrityError, transaction

import database
from ledger import replays
from processing import claiming
from processing.batch_runner import BatchRunner
from processing.claiming import Claimed
from processing.log_lines import LogLine
from processing.running import Conditions, Verdict


async def inline(runner: BatchRunner, ids: Sequence[int], by: str) -> AsyncIterator[tuple[Verdict, LogLine]]:
    """Run deliveries here and now, one after the other, each handler without a time limit.

    Yields each verdict and its log line, and nothing for a delivery that a worker holds, or a sibling of it,
    or one of its ordering key. Left early, by Ctrl-C or by an error, it gives back what it has not settled.
    """
    task = asyncio.current_task()
    conditions = Conditions(lambda: task is not None and task.cancelling() > 0, limited=False)
    try:
        for pk in ids:
            claimed = await database.run_to_end(_take, pk, runner, by)
            if claimed is not None:
                verdict = await runner.run_alone(claimed, conditions)
                yield verdict, LogLine(claimed, verdict)
    except BaseException:
        await database.run(claiming.release, runner.worker)
        raise


@transaction.atomic
def _take(pk: int, runner: BatchRunner, by: str) -> Claimed | None:
    """Reopen and claim in one transaction, so that no worker takes it between the two."""
    replays.reopen([pk], by)
    try:
        with transaction.atomic():
            return runner.claim_one(only=pk)
    except IntegrityError:  # a worker claimed a sibling, or one of its ordering key, at this moment
        return None
