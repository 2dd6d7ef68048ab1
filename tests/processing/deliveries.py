"""Stored deliveries for the tests of processing, and handlers that do what a test wants."""

from typing import Any
from uuid import UUID, uuid4

from handlers import DeliveryContext, Registry
from processing.batch import Processor
from processing.claiming import LEASE
from receiver import store
from receiver.arrivals import Arrival
from receiver.models import Delivery
from schemas import Event
from schemas.push import PushEvent
from tests import github

EVENTS: dict[str, type[Event]] = {"push": PushEvent}


def stored(
    case: str = "push__branch", *, guid: UUID | None = None, hook_id: int = 1, **changes: Any
) -> Delivery:
    """A delivery as intake stores it."""
    event = case.partition("__")[0]
    sent = github.sample(case)
    arrival = Arrival(
        guid=guid or uuid4(), hook_id=hook_id, source="", event=event, headers={},
        content_type="application/json", body=changes.pop("body", sent.body),
        repository="harbour-works/tide-tables",
    )  # fmt: skip
    [row] = store.store([arrival])
    if changes:
        Delivery.objects.filter(pk=row.id).update(**changes)
    return Delivery.objects.get(pk=row.id)


class Recorder:
    """Handlers of push that count their calls and raise what they are told to."""

    def __init__(self, **raising: BaseException | None) -> None:
        self.raising = raising or {"works": None}
        self.calls: list[str] = []
        self.registry = Registry()
        for name in self.raising:
            self._register(name)

    def _register(self, name: str) -> None:
        async def handler(_event: PushEvent, delivery: DeliveryContext) -> None:
            self.calls.append(name)
            error = self.raising[name]
            if error is not None:
                raise error
            delivery.note(name)

        handler.__name__ = name
        self.registry.on(PushEvent)(handler)

    def processor(self, worker: str = "worker of the test", **changes: Any) -> Processor:
        return Processor(EVENTS, self.registry, worker, **{"lease": LEASE, **changes})
