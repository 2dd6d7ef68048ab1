"""The life of an operation: what changes it in which state, and that no order of events repeats a step."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ledger import operations
from ledger.models import Change, Kind, Operation, State
from ledger.operations import Progress
from tests import processes, servers

KINDS = [Kind.REPLAY]


def stored(state: State = State.QUEUED, **changes: object) -> Operation:
    return Operation.objects.create(
        **{
            "kind": Kind.REPLAY,
            "requested_by": "ada",
            "created_at": timezone.now(),
            "state": state,
            **changes,
        }
    )


def under_lease(worker: str = "w:1", **changes: object) -> Operation:
    lease = timezone.now() + timedelta(minutes=1)
    return stored(State.RUNNING, **{"worker": worker, "lease_expires_at": lease, "version": 1, **changes})


def state(operation: Operation) -> State:
    return State(Operation.objects.values_list("state", flat=True).get(pk=operation.pk))


def finish(operation: Operation) -> object:
    return operations.advance(operation, Progress(None, finished=True))


CHANGES: list[tuple[Callable[[Operation], object], State, set[State]]] = [
    (lambda row: operations.cancel(row.pk, "ada"), State.CANCELLED, {State.QUEUED, State.RUNNING}),
    (lambda row: operations.resume(row.pk, "ada"), State.QUEUED, {State.CANCELLED, State.FAILED}),
    (lambda _: operations.claim("w:2", KINDS), State.RUNNING, {State.QUEUED}),
    (finish, State.FINISHED, {State.RUNNING}),
    (lambda row: operations.fail(row, "no"), State.FAILED, {State.RUNNING}),
    (lambda row: operations.release("w:1", [row.pk]), State.QUEUED, {State.RUNNING}),
]


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_a_change_happens_in_the_states_that_allow_it_and_is_noted(number: int) -> None:
    change, after, allowed = CHANGES[number]
    for before in State:
        row = under_lease() if before == State.RUNNING else stored(before, worker="w:1", version=1)
        change(row)
        assert state(row) == (after if before in allowed else before), before
        assert list(row.changes.values_list("state", flat=True)) == ([after] if before in allowed else [])
        row.delete()


@pytest.mark.django_db
def test_the_log_says_who_did_what() -> None:
    row = operations.create(Kind.REPLAY, {}, "ada")
    operations.claim("w:1", KINDS)
    operations.cancel(row.pk, "bob")
    operations.resume(row.pk, "ada")
    story = list(Change.objects.order_by("pk").values_list("state", "by"))
    assert story == [("queued", "ada"), ("running", "w:1"), ("cancelled", "bob"), ("queued", "ada")]


@pytest.mark.django_db
def test_what_is_asked_for_twice_under_one_key_is_one_operation() -> None:
    key = uuid4()
    first = operations.create(Kind.REPLAY, {}, "ada", key=key)
    assert operations.create(Kind.REPLAY, {}, "ada", key=key) == first
    assert Operation.objects.count() == 1


@pytest.mark.django_db
def test_a_worker_takes_over_what_a_dead_one_left_and_continues_at_its_cursor() -> None:
    row = under_lease(cursor=7)
    assert operations.claim("w:2", KINDS) is None
    Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    taken = operations.claim("w:2", KINDS)
    assert taken is not None
    assert (taken.cursor, taken.crashes, taken.version) == (7, 1, 2)
    assert operations.advance(row, Progress(8)) is None
    assert operations.renew(row) is None


@pytest.mark.django_db
def test_an_operation_whose_portion_ends_one_worker_after_the_other_fails() -> None:
    operations.create(Kind.REPLAY, {}, "ada")
    for worker in ("w:1", "w:2", "w:3", "w:4"):
        operations.claim(worker, KINDS)
        Operation.objects.filter(state=State.RUNNING).update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )
    row = Operation.objects.get()
    assert (row.state, row.error) == ("failed", "3 workers ended in one portion, the last was w:3")


@pytest.mark.django_db
def test_a_worker_leaves_a_kind_that_it_does_not_know() -> None:
    operations.create(Kind.SYNC, {}, "ada")
    assert operations.claim("w:1", KINDS) is None


@pytest.mark.django_db
def test_a_resumed_operation_waits_for_the_portion_of_its_first_worker() -> None:
    row = under_lease()
    operations.cancel(row.pk, "ada")
    operations.resume(row.pk, "ada")
    assert operations.claim("w:2", KINDS) is None
    # What was done outside of the database is counted even though it was cancelled meanwhile.
    assert operations.advance(row, Progress(5, done=5)) is not None
    operations.release("w:1", [row.pk])
    taken = operations.claim("w:2", KINDS)
    assert taken is not None
    assert (taken.cursor, taken.done) == (5, 5)


@pytest.mark.django_db
def test_a_step_of_a_cancelled_operation_does_not_run() -> None:
    row = under_lease()
    operations.cancel(row.pk, "ada")
    assert operations.advance(row, lambda _: pytest.fail("it ran")) is None


@pytest.mark.django_db
def test_failures_are_counted_by_reason_and_their_number_is_bounded() -> None:
    row = under_lease()
    reasons = {f"reason {number}": 1 for number in range(operations.MAX_REASONS + 5)}
    advanced = operations.advance(row, Progress(1, failures=reasons))
    assert advanced is not None
    [failures, failed] = advanced[0].failures, advanced[0].failed
    assert failed == operations.MAX_REASONS + 5
    assert failures[operations.OTHER_REASONS] == 5
    assert sum(failures.values()) == failed


def test_every_column_state_and_kind_is_documented() -> None:
    page = (processes.ROOT / "docs" / "reference" / "operations.md").read_text()
    columns = {field.name for field in Operation._meta.fields} - {"id"}
    assert {name for name in {*columns, *State.values, *Kind.values} if f"`{name}`" not in page} == set()


STEPS = 4
WORKERS = ["a", "b", "c"]
workers = st.sampled_from(WORKERS)


class Life(RuleBasedStateMachine):
    """Workers that run one operation step by step, die and stop, and people who cancel and resume it."""

    @initialize()
    def begin(self) -> None:
        Operation.objects.all().delete()
        self.steps: list[int] = []
        self.leases: dict[str, Operation] = {}
        self.pk = operations.create(Kind.REPLAY, {}, "ada").pk

    @rule(worker=workers)
    def claim(self, worker: str) -> None:
        if worker not in self.leases and (row := operations.claim(worker, KINDS)):
            assert not Operation.objects.filter(state=State.RUNNING).exclude(worker=worker).exists()
            self.leases[worker] = row

    @rule(worker=workers)
    def advance(self, worker: str) -> None:
        if worker not in self.leases:
            return
        advanced = operations.advance(self.leases[worker], self._step)
        if advanced is None or advanced[0].state != State.RUNNING:
            self.stop(worker)
        else:
            self.leases[worker] = advanced[0]

    def _step(self, row: Operation) -> Progress:
        at = row.cursor or 0
        self.steps.append(at)
        return Progress(at + 1, done=1, finished=at + 1 == STEPS)

    @rule(worker=workers)
    def renew(self, worker: str) -> None:
        if worker in self.leases:
            operations.renew(self.leases[worker])

    @rule(worker=workers)
    def stop(self, worker: str) -> None:
        if self.leases.pop(worker, None):
            operations.release(worker, [self.pk])

    @rule(worker=workers)
    def stall(self, worker: str) -> None:
        """Let the lease of a worker end that does not know it."""
        past = timezone.now() - timedelta(seconds=1)
        Operation.objects.filter(worker=worker, lease_expires_at__isnull=False).update(lease_expires_at=past)

    @rule(worker=workers)
    def kill(self, worker: str) -> None:
        self.stall(worker)
        self.leases.pop(worker, None)

    @rule()
    def cancel(self) -> None:
        operations.cancel(self.pk, "bob")

    @rule()
    def resume(self) -> None:
        operations.resume(self.pk, "bob")

    @invariant()
    def each_step_is_done_once_and_in_order(self) -> None:
        assert self.steps == list(range(len(self.steps)))
        assert Operation.objects.get().done == len(self.steps)

    def teardown(self) -> None:
        """Assert that it finishes once nobody disturbs it."""
        for worker in WORKERS:
            self.kill(worker)
        operations.resume(self.pk, "bob")
        if state(Operation.objects.get()) != State.FINISHED:
            last = operations.claim("last", KINDS)
            if last is None:  # the third death in one portion failed it
                operations.resume(self.pk, "bob")
                last = operations.claim("last", KINDS)
            while last and last.state == State.RUNNING:
                advanced = operations.advance(last, self._step)
                last = advanced and advanced[0]
        assert state(Operation.objects.get()) == State.FINISHED
        assert self.steps == list(range(STEPS))


@pytest.mark.django_db(transaction=True)
@pytest.mark.hypothesis
def test_no_order_of_events_repeats_or_leaves_out_a_step() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=servers.examples(10, 200),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
