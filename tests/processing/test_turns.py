"""Turns: one at a time and in order of receipt for each repository, pull request or issue."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

import database
from handlers import DeliveryContext, Registry, RetryableError
from processing import sweep
from processing.batch import Processor
from processing.crew import Crew
from receiver.models import Delivery, Trigger
from schemas import DiscoveryError, Event
from schemas.issues import IssuesEvent
from schemas.pull_request import PullRequestEvent
from schemas.push import PushEvent
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS: dict[str, type[Event]] = {"push": PushEvent, "issues": IssuesEvent, "pull_request": PullRequestEvent}


class Journal:
    """A handler that takes turns by repository, and writes down when it began and ended with whom."""

    def __init__(self, *failing: int) -> None:
        self.registry = Registry()
        self.began: list[tuple[int, int]] = []
        self.at_work: set[int] = set()
        self.failing = set(failing)
        self.order: dict[str, tuple[int, int]] = {}

        async def handle(_event: PushEvent, delivery: DeliveryContext) -> None:
            repository, number = self.order[str(delivery.guid)]
            assert repository not in self.at_work, "two of one turn at once"
            self.at_work.add(repository)
            self.began.append((repository, number))
            try:
                await asyncio.sleep(0.002)
                if number in self.failing:
                    self.failing.remove(number)
                    raise RetryableError("later", retry_in=0)
            finally:
                self.at_work.discard(repository)

        self.registry.on(PushEvent, serialize="repository")(handle)

    async def receive(self, repositories: int, each: int) -> list[int]:
        """Deliveries of several repositories, in turn; gives their ids in the order of receipt."""
        ids = []
        for number in range(each):
            for repository in range(repositories):
                received_at = timezone.now() + timedelta(milliseconds=number)
                row = await sync_to_async(stored)(repository_id=repository, received_at=received_at)
                self.order[str(row.guid)] = (repository, number)
                ids.append(row.pk)
        return ids

    def of(self, repository: int) -> list[int]:
        return [number for mine, number in self.began if mine == repository]

    def processor(self, worker: str = "w") -> Processor:
        return Processor(EVENTS, self.registry, worker)


async def test_deliveries_of_one_repository_are_handled_in_order_and_others_beside_them() -> None:
    journal = Journal()
    ids = await journal.receive(repositories=3, each=5)
    await journal.processor().process(list(reversed(ids)), Trigger.DELIVERY)
    for repository in range(3):
        assert journal.of(repository) == [0, 1, 2, 3, 4]
    # Beside each other: not one repository after the other.
    assert [repository for repository, _ in journal.began[:3]] == [0, 1, 2]


async def test_workers_that_claim_at_once_keep_the_order() -> None:
    journal = Journal()
    ids = await journal.receive(repositories=2, each=20)
    crews = [Crew(journal.processor(f"worker {number}")) for number in range(4)]
    shares = [ids[start::4] for start in range(4)]
    await asyncio.gather(
        *(crew.begin(share, Trigger.DELIVERY) for crew, share in zip(crews, shares, strict=True))
    )
    async with asyncio.timeout(20):
        while await Delivery.objects.exclude(status="succeeded").aexists():
            # What nobody took is the sweep's, after ten seconds; the test does not wait for them.
            await Delivery.objects.filter(status="received").aupdate(next_attempt_at=timezone.now())
            for pk, trigger in await database.run(sweep.find):
                await crews[pk % 4].begin([pk], trigger)
    for crew in crews:
        await crew.end(5)
    for repository in range(2):
        assert journal.of(repository) == list(range(20))


async def test_what_comes_in_while_a_turn_is_taken_follows_without_the_sweep() -> None:
    journal = Journal()
    ids = await journal.receive(repositories=1, each=6)
    first = asyncio.create_task(journal.processor("a").process(ids[:1], Trigger.DELIVERY))
    assert await journal.processor("b").process(ids[3:], Trigger.DELIVERY) == 0
    await first
    assert journal.of(0) == [0, 1, 2, 3, 4, 5]


async def test_a_delivery_that_fails_gives_way_until_its_retry() -> None:
    journal = Journal(1)
    ids = await journal.receive(repositories=1, each=4)
    await journal.processor().process(ids, Trigger.DELIVERY)
    assert journal.of(0) == [0, 1, 2, 3]
    await Delivery.objects.filter(status="retrying").aupdate(next_attempt_at=timezone.now())
    for pk, trigger in await database.run(sweep.find):
        await journal.processor().process([pk], trigger)
    assert journal.of(0) == [0, 1, 2, 3, 1]


async def test_who_waits_behind_a_lost_worker_waits_for_what_it_held() -> None:
    journal = Journal()
    ids = await journal.receive(repositories=1, each=2)
    await Delivery.objects.filter(pk=ids[0]).aupdate(
        status="processing", worker="gone", lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert await journal.processor().process(ids[1:], Trigger.DELIVERY) == 0
    assert (await Delivery.objects.aget(pk=ids[1])).status == "received"


async def test_turns_of_pull_requests_and_issues_are_by_number_and_actions_that_nobody_wants_take_none() -> (
    None
):
    seen: list[tuple[str, int | None]] = []
    registry = Registry()

    @registry.on(IssuesEvent, action="opened", serialize="issue")
    async def opened(event: IssuesEvent, _delivery: DeliveryContext) -> None:
        seen.append(("issue", event.issue.number))

    held: dict[str, Any] = {
        "status": "processing", "lease_expires_at": timezone.now() + timedelta(hours=1)
    }  # fmt: skip
    make = sync_to_async(stored)
    await make("issues__opened", action="opened", repository_id=1, number=12, **held)
    same = await make("issues__opened", action="opened", repository_id=1, number=12)
    other = await make("issues__opened", action="opened", repository_id=1, number=13)
    elsewhere = await make("issues__opened", action="opened", repository_id=2, number=12)
    unwanted = await make("issues__edited", action="edited", repository_id=1, number=12)
    ids = [same.pk, other.pk, elsewhere.pk, unwanted.pk]
    assert await Processor(EVENTS, registry, "w").process(ids, Trigger.DELIVERY) == 3
    assert (await Delivery.objects.aget(pk=same.pk)).status == "received"
    assert len(seen) == 2


def test_an_event_without_a_pull_request_cannot_be_serialized_by_it() -> None:
    async def handle(_event: PushEvent, _delivery: DeliveryContext) -> None: ...

    with pytest.raises(DiscoveryError, match="has no pull_request to serialize"):
        Registry().on(PushEvent, serialize="pull_request")(handle)
