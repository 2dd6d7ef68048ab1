"""The indexes of deliveries: a settlement writes few entries, because it is the work of a worker."""

import pytest
from django.db.models import Q
from django.utils import timezone

from receiver.models import Delivery, Status
from tests.console.kept import kept

pytestmark = pytest.mark.django_db


def entered(delivery: Delivery) -> set[str]:
    """Return the names of the indexes that hold this delivery."""
    kept_in = [*Delivery._meta.indexes, *Delivery._meta.constraints]
    return {
        index.name
        for index in kept_in
        if Delivery.objects.filter(getattr(index, "condition", None) or Q(), pk=delivery.pk).exists()
        and index.name != "delivery_status"  # a check
    }


def test_a_delivery_that_succeeded_is_only_in_indexes_of_what_is_asked_for_often() -> None:
    assert entered(kept(finished_at=timezone.now(), status=Status.SUCCEEDED)) == {
        "delivery_key", "delivery_finished", "delivery_settled", "delivery_event", "delivery_of_repository",
        "delivery_sender", "delivery_hook",
    }  # fmt: skip


def test_what_is_rare_is_in_an_index_of_its_own() -> None:
    usual = entered(kept(finished_at=timezone.now(), status=Status.SUCCEEDED))
    rare = kept(
        finished_at=timezone.now(), status=Status.DEAD, source="acme", action="opened", number=4,
        error="no route",
    )  # fmt: skip
    assert entered(rare) - usual == {
        "delivery_unsuccessful", "delivery_of_a_source", "delivery_action", "delivery_of_number",
        "delivery_error",
    }  # fmt: skip


def test_a_new_delivery_is_in_no_index_of_settled_ones() -> None:
    assert entered(kept(next_attempt_at=timezone.now())) == {"delivery_key", "delivery_due", "delivery_open"}
