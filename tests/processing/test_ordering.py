"""Ordering keys: one at a time and in order of receipt for each repository, pull request or issue."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

import database
from handlers import DeliveryContext, Registry, RetryableError
from processing import claiming, ordering, settling
from processing.batch_runner import BatchRunner
from processing.claiming import LEASE
from processing.running import Verdict
from receiver.models import Delivery, Status
from schemas import Event
from schemas.issues import IssuesEvent
from schemas.pull_request import PullRequestEvent
from schemas.push import PushEvent
from tests.processing.deliveries import PUSHES, drain, settle, stored

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS: dict[str, type[Event]] = {"push": PushEvent, "issues": IssuesEvent, "pull_request": PullRequestEvent}


class Journal:
    """A handler that is ordered by repository, and records when each run begins and ends."""

    def __init__(self, *failing: int) -> None:
        self.registry = Registry()
        self.began: list[tuple[int, int]] = []
        self.at_work: set[int] = set()
        self.failing = set(failing)
        self.order: dict[str, tuple[int, int]] = {}

        async def handle(_event: PushEvent, delivery: DeliveryContext) -> None:
            repository, number = self.order[str(delivery.guid)]
            assert repository not in self.at_work, "two of one key at once"
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
        """Store deliveries of several repositories in turn; return their ids in order of receipt."""
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

    def runner(self, worker: str = "w") -> BatchRunner:
        return BatchRunner(EVENTS, self.registry, worker)


PLENTY = 1_000, 10**9  # deliveries and bytes


def take(rules: str = PUSHES, worker: str = "a") -> list[int]:
    return [one.delivery.id for one in claiming.claim(worker, LEASE, *PLENTY, rules).claims]


async def test_deliveries_of_one_repository_are_handled_in_order_and_others_beside_them() -> None:
    journal = Journal()
    await journal.receive(repositories=3, each=5)
    await drain(journal.runner())
    for repository in range(3):
        assert journal.of(repository) == [0, 1, 2, 3, 4]
    # Repositories run concurrently.
    assert sorted(repository for repository, _ in journal.began[:3]) == [0, 1, 2]


async def test_workers_that_claim_at_once_keep_the_order() -> None:
    journal = Journal()
    await journal.receive(repositories=2, each=20)
    runners = [journal.runner(f"worker {number}") for number in range(4)]
    async with asyncio.timeout(60):
        while await Delivery.objects.exclude(status="succeeded").aexists():
            await asyncio.gather(*(drain(runner) for runner in runners))
    for repository in range(2):
        assert journal.of(repository) == list(range(20))


async def test_two_hooks_of_an_ordered_repository_have_each_effect_once_and_in_order() -> None:
    journal = Journal()
    now = timezone.now()
    for number in range(6):
        first = await sync_to_async(stored)(
            repository_id=0, hook_id=1, received_at=now + timedelta(milliseconds=number - 1_000)
        )
        journal.order[str(first.guid)] = (0, number)
        await sync_to_async(stored)(
            repository_id=0,
            hook_id=2,
            guid=first.guid,
            received_at=now + timedelta(milliseconds=number - 999.5),
        )
    await drain(journal.runner())
    assert journal.of(0) == list(range(6))
    assert await Delivery.objects.filter(status="succeeded").acount() == 12


def test_what_is_behind_its_ordering_key_is_not_looked_at_again() -> None:
    rows = [stored(repository_id=1) for _ in range(3)]
    assert take() == [rows[0].pk]
    behind = Delivery.objects.filter(status="received", next_attempt_at=None, ordering_key="1")
    assert list(behind.values_list("pk", flat=True).order_by("pk")) == [rows[1].pk, rows[2].pk]


async def test_a_settlement_makes_the_next_of_its_ordering_key_due() -> None:
    rows = [await sync_to_async(stored)(repository_id=1) for _ in range(3)]
    [first] = (await database.run(claiming.claim, "a", LEASE, *PLENTY, PUSHES)).claims
    assert await settle(first, Verdict(Status.SUCCEEDED)) == 1
    assert await database.run(take) == [rows[1].pk]


def test_a_key_that_was_freed_while_a_claim_found_it_taken_is_not_forgotten() -> None:
    rows = [stored(repository_id=1) for _ in range(2)]
    take()
    claiming.claim("b", LEASE, *PLENTY, PUSHES)
    # The first delivery settles and looks for the next one before the claim of b commits.
    Delivery.objects.filter(pk=rows[0].pk).update(status="succeeded")
    Delivery.objects.filter(pk=rows[1].pk).update(ordering_key="1", next_attempt_at=None)
    assert ordering.unblock(["1"]) == 1
    assert take() == [rows[1].pk]


def test_repair_frees_all_keys_whose_worker_ended_between_its_commit_and_the_next() -> None:
    free = [stored(repository_id=n, ordering_key=str(n), next_attempt_at=None) for n in (1, 2)]
    stored(repository_id=1, ordering_key="1", next_attempt_at=None)
    stored(repository_id=3, ordering_key="3", status="processing", next_attempt_at=None)
    stored(repository_id=3, ordering_key="3", next_attempt_at=None)
    assert ordering.repair() == 2
    assert take() == [row.pk for row in free]


async def test_a_delivery_that_fails_gives_way_until_its_retry() -> None:
    journal = Journal(1)
    await journal.receive(repositories=1, each=4)
    runner = journal.runner()
    await drain(runner)
    assert list(dict.fromkeys(journal.of(0))) == [0, 1, 2, 3]
    assert journal.of(0).count(1) == 2
    assert await Delivery.objects.filter(status="succeeded").acount() == 4


def test_those_behind_a_lost_worker_wait_for_what_it_held() -> None:
    held = stored(
        repository_id=1, ordering_key="1", status="processing", worker="gone", next_attempt_at=None,
        lease_expires_at=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip
    behind = stored(repository_id=1)
    assert take() == []
    assert take() == [], "the lost one is suspect"
    [suspect] = claiming.claim("b", LEASE, *PLENTY, PUSHES, takeover=False, suspects=True).claims
    assert suspect.delivery.id == held.pk
    assert take() == []
    settling._after([(suspect, Verdict(Status.DEAD))])
    assert take() == [], "the suspect is still in processing"
    Delivery.objects.filter(pk=held.pk).update(status="dead")
    settling._after([(suspect, Verdict(Status.DEAD))])
    assert take() == [behind.pk]


def test_keys_of_issues_are_by_number_and_actions_without_a_rule_have_none() -> None:
    rules = '[{"event": "issues", "action": "opened", "by_number": true}]'
    held: dict[str, Any] = {"status": "processing", "lease_expires_at": timezone.now() + timedelta(hours=1),
                            "ordering_key": "1/12", "next_attempt_at": None}  # fmt: skip
    stored("issues__opened", action="opened", repository_id=1, number=12, **held)
    stored("issues__opened", action="opened", repository_id=1, number=12)
    other = stored("issues__opened", action="opened", repository_id=1, number=13)
    elsewhere = stored("issues__opened", action="opened", repository_id=2, number=12)
    unwanted = stored("issues__edited", action="edited", repository_id=1, number=12)
    none = stored("issues__opened", action="opened", repository_id=None, number=12)
    assert take(rules) == [other.pk, elsewhere.pk, unwanted.pk, none.pk]


def test_one_event_ordered_by_repository_and_by_number_is_ordered_by_repository() -> None:
    registry = Registry()

    @registry.on(IssuesEvent, serialize="repository")
    async def by_repository(_event: IssuesEvent, _delivery: DeliveryContext) -> None: ...

    @registry.on(IssuesEvent, action="opened", serialize="issue")
    async def by_issue(_event: IssuesEvent, _delivery: DeliveryContext) -> None: ...

    assert json.loads(ordering.rules(registry.serialized())) == [
        {"event": "issues", "action": "opened", "by_number": False},
        {"event": "issues", "action": None, "by_number": False},
    ]
