"""`manage.py send EVENT` has a sample of every event that is processed."""

import pytest

import schemas
from console import samples


@pytest.mark.parametrize("event", sorted(schemas.discover(schemas)))
def test_there_is_a_sample_of_every_event(event: str) -> None:
    name, path = samples.sample(event)
    assert name == event
    assert path.name.startswith(f"{event}__")


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("push", "push__branch"),
        ("issues", "issues__opened"),
        ("release", "release__published"),
        ("pull_request_review", "pull_request_review__submitted"),
        ("workflow_run", "workflow_run__requested"),
        ("create__tag", "create__tag"),
    ],
)
def test_a_sample_begins_a_history_or_is_the_one_that_is_named(name: str, case: str) -> None:
    assert samples.sample(name)[1].stem == case


def test_an_event_without_a_sample_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(samples.NoSampleError, match="push__branch"):
        samples.sample("push__sideways")
