"""What the dictionary is trained on: payloads without a name of the samples."""

import re

import pytest

from dev.dictionary.samples import samples

pytestmark = pytest.mark.once
NAMES = re.compile(rb"harbour|tide|quay|lindqvist|skerry|avatars\.example|github\.example", re.IGNORECASE)


def test_the_texts_of_the_training_hold_no_name_of_the_samples() -> None:
    assert [found[0] for text in samples(variations=1) if (found := NAMES.search(text))] == []
