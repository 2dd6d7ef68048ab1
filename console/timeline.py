"""The story of a delivery, from its row and the runs of its handlers: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.models import Replay
from receiver.models import TERMINAL, Delivery, HandlerRun, Status


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, or that is to come; `at` is None where no time is stored."""

    at: datetime | None
    what: str
    details: Sequence[str] = ()
    status: str = ""
    run: HandlerRun | None = None
    operation: int | None = None


def entries(delivery: Delivery, runs: Iterable[HandlerRun], replays: Iterable[Replay]) -> list[Entry]:
    """Return the past events of the delivery, oldest first, and then the next one.

    It is settled after its runs, whatever the clocks of worker and database say.
    """
    happened = [*_redelivered(delivery), *(_replayed(one) for one in replays), *(_run(run) for run in runs)]
    story = [_received(delivery), *sorted(happened, key=lambda entry: entry.at or delivery.received_at)]
    if more := delivery.redeliveries - len(delivery.redelivered_at):
        story.append(Entry(None, f"GitHub sent it again {'once' if more == 1 else f'{more} times'} more"))
    if delivery.status in TERMINAL:
        story.append(_settled(delivery))
    return [*story, *_to_come(delivery)]


def _received(delivery: Delivery) -> Entry:
    secret = "the first secret" if not delivery.secret_position else f"secret {delivery.secret_position + 1}"
    source = f"of source {delivery.source}" if delivery.source else "of /webhooks/github"
    signed = f"signed with {secret} {source}"
    details = [f"unsigned, fetched from GitHub's API for {source[3:]}" if delivery.unsigned else signed]
    if delivery.address:
        details.append(f"from {delivery.address}")
    if delivery.size is not None:
        details.append(f"{delivery.size:,} bytes")
    return Entry(delivery.received_at, "Received", details)


def _redelivered(delivery: Delivery) -> list[Entry]:
    times = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in delivery.redelivered_at)
    return [Entry(at, "GitHub sent it again", ["the same GUID, hook and body"]) for at in times]


def _replayed(replay: Replay) -> Entry:
    details = ["in the foreground"] if replay.operation_id is None else []
    return Entry(replay.at, f"Replayed by {replay.by}", details, operation=replay.operation_id)


def _run(run: HandlerRun) -> Entry:
    details = [f"attempt {run.attempt}", f"because of {_TRIGGERS.get(run.trigger, run.trigger)}"]
    if run.superseded:
        details.append("superseded by a replay or redelivery")
    return Entry(run.started_at, run.handler, details, run.outcome, run)


_TRIGGERS = {
    "delivery": "its delivery",
    "retry": "an earlier failure",
    "replay": "a replay",
    "redelivery": "a redelivery by GitHub",
    "sweep": "a lease that expired",
}


def _settled(delivery: Delivery) -> Entry:
    attempts = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
    details = [f"after {attempts}"]
    if delivery.worker:
        details.append(f"by {delivery.worker}")
    return Entry(delivery.finished_at, "Settled", details, delivery.status)


def _to_come(delivery: Delivery) -> list[Entry]:
    if delivery.status == Status.PROCESSING:
        held = [f"held by {delivery.worker}"]
        return [Entry(delivery.lease_expires_at, "End of its lease", held, delivery.status)]
    if delivery.status == Status.RETRYING:
        what = f"Attempt {delivery.attempts + 1}"
        return [Entry(delivery.next_attempt_at, what, ["unless it is replayed before"], delivery.status)]
    if delivery.status == Status.RECEIVED:
        return [Entry(None, "Waits for a worker", status=delivery.status)]
    return []
