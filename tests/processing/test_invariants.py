"""Invariants in every order of events: no loss, no two at once, order for each key, each effect once."""

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import replays
from processing import claiming, ordering, settling
from processing.claiming import LEASE, Claimed
from processing.running import Run, Verdict
from processing.settling import LeaseLostError
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger
from tests import servers
from tests.processing.deliveries import PUSHES, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.hypothesis]

WORKERS = ["a", "b", "c"]
REPOSITORIES = [1, 2]
HANDLER = "push.record"

Arrival = tuple[int, int, int]
"""Repository, number of the guid in it, and hook."""

workers = st.sampled_from(WORKERS)
arrivals = st.lists(
    st.tuples(st.sampled_from(REPOSITORIES), st.integers(1, 6), st.integers(1, 3)), min_size=3, max_size=8
)


class Ledger(RuleBasedStateMachine):
    """Store, claim, renew, settle, fail, kill and replay, one step at a time."""

    @initialize(arrivals=arrivals)
    def begin(self, arrivals: list[Arrival]) -> None:
        HandlerRun.objects.all().delete()
        Delivery.objects.all().delete()
        self.held: dict[str, list[Claimed]] = defaultdict(list)
        self.effects: dict[Any, int] = defaultdict(int)
        self.asked: dict[Any, int] = defaultdict(int)
        self.stored = 0
        self.clock = timezone.now() - timedelta(days=1)
        self.store(arrivals)

    @rule(arrivals=arrivals)
    def store(self, arrivals: list[Arrival]) -> None:
        for repository, number, hook in arrivals:
            # A guid belongs to one repository, because its payload does.
            guid = uuid.UUID(int=number * 10 + repository)
            if Delivery.objects.filter(guid=guid, hook_id=hook).exists():
                continue
            self.clock += timedelta(seconds=1)
            stored(guid=guid, hook_id=hook, repository_id=repository, received_at=self.clock)
            self.stored += 1
            self.asked[guid] = max(self.asked[guid], 1)

    @rule(worker=workers, limit=st.integers(1, 5), suspects=st.booleans())
    def claim(self, worker: str, limit: int, suspects: bool) -> None:
        held = [claimed.delivery.id for claimed in self.held[worker]]
        result = claiming.claim(
            worker, LEASE, limit, 10**9, PUSHES, held, takeover=not suspects, suspects=suspects
        )
        for claimed in result.claims:
            older = Delivery.objects.filter(
                repository_id=int(claimed.delivery.ordering_key or 0),
                status__in=[Status.RECEIVED, Status.PROCESSING],
                received_at__lt=claimed.delivery.received_at,
                trigger=Trigger.DELIVERY,
            )
            if claimed.delivery.trigger == Trigger.DELIVERY:
                assert not older.exists(), "it overtook an older delivery of its key"
        self.held[worker] += result.claims

    @rule(worker=workers)
    def renew(self, worker: str) -> None:
        claiming.renew([claimed.lease for claimed in self.held[worker]], LEASE)

    @precondition(lambda self: any(self.held.values()))
    @rule(worker=workers, succeeds=st.booleans(), data=st.data())
    def end(self, worker: str, succeeds: bool, data: st.DataObject) -> None:
        if not self.held[worker]:
            return
        claimed = data.draw(st.sampled_from(self.held[worker]), label="ends")
        self.held[worker].remove(claimed)
        runs, status, wait = [], Status.SUCCEEDED, None
        if HANDLER not in claimed.done:
            if succeeds:
                self.effects[claimed.delivery.guid] += 1
            else:
                status, wait = Status.RETRYING, 0.0
            outcome = Outcome.SUCCEEDED if succeeds else Outcome.FAILED
            runs = [Run(HANDLER, claimed.delivery.attempts + 1, Trigger.DELIVERY, outcome, timezone.now())]
        ended = [(claimed, Verdict(status, "", wait, runs))]
        [written] = settling._write(ended)
        if isinstance(written, LeaseLostError):
            # The worker that took it over may repeat the effect.
            self.effects[claimed.delivery.guid] -= int(bool(runs) and succeeds)
        else:
            settling._after(ended)

    @rule(worker=workers)
    def give_back(self, worker: str) -> None:
        self.held.pop(worker, None)
        claiming.release(worker)

    @rule(worker=workers)
    def kill(self, worker: str) -> None:
        """End a worker, and its leases."""
        ids = [claimed.delivery.id for claimed in self.held.pop(worker, [])]
        rows = Delivery.objects.filter(pk__in=ids, status=Status.PROCESSING, worker=worker)
        rows.update(lease_expires_at=timezone.now() - timedelta(seconds=1), worker="gone")

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(list(Delivery.objects.defer("body").order_by("pk"))), label="again")
        if row.status == Status.SUCCEEDED:
            self.asked[row.guid] += 1
        replays.reopen([row.pk], "somebody")

    @invariant()
    def nothing_is_lost(self) -> None:
        assert Delivery.objects.count() == self.stored

    @invariant()
    def no_two_of_a_guid_or_key_are_in_processing(self) -> None:
        rows = list(Delivery.objects.filter(status=Status.PROCESSING).values_list("guid", "ordering_key"))
        assert len({guid for guid, _ in rows}) == len({key for _, key in rows}) == len(rows)

    @invariant()
    def each_effect_is_had_once_for_each_time_it_was_asked_for(self) -> None:
        for guid, count in self.effects.items():
            assert count <= self.asked[guid]

    def teardown(self) -> None:
        """Assert that every delivery succeeds when no more faults happen."""
        if not self.stored:
            return
        for worker in list(self.held):
            self.give_back(worker)
        Delivery.objects.filter(status=Status.RETRYING).update(next_attempt_at=timezone.now())
        for number in range(400):
            suspects = bool(number % 2)
            result = claiming.claim(
                "last", LEASE, 10, 10**9, PUSHES, takeover=not suspects, suspects=suspects
            )
            for claimed in result.claims:
                run = Run(HANDLER, 1, Trigger.DELIVERY, Outcome.SUCCEEDED, timezone.now())
                ended = [(claimed, Verdict(Status.SUCCEEDED, runs=[run]))]
                settling._write(ended)
                settling._after(ended)
            ordering.repair()
            Delivery.objects.filter(next_attempt_at__gt=timezone.now()).update(next_attempt_at=timezone.now())
            if not Delivery.objects.exclude(status=Status.SUCCEEDED).exists():
                return
        left = list(
            Delivery.objects.exclude(status=Status.SUCCEEDED).values_list("status", "next_attempt_at")
        )
        raise AssertionError(f"not all end: {left}")


def test_the_invariants_hold_in_every_order_of_events() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=servers.examples(8, 60),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
