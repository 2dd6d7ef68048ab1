"""The log of replays: who replayed which delivery, and when."""

from collections.abc import Collection

from ledger.models import Operation, Replay


def note(deliveries: Collection[int], by: str, operation: Operation | None = None) -> None:
    """Write down that these deliveries were made due by a replay. Call in the transaction that does it.

    `operation` is None for a replay in the foreground.
    """
    Replay.objects.bulk_create([Replay(delivery_id=pk, operation=operation, by=by) for pk in deliveries])
