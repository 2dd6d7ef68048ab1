"""Programs with tokens: one that may read, one that may operate, and those that are about to lose theirs."""

from dataclasses import dataclass

import pytest

from tests.console.api.programs import Program
from tests.console.conftest import Console


@dataclass(frozen=True)
class Programs:
    reader: Program
    operator: Program
    to_expire: Program
    to_be_revoked: Program
    of_two_requests: Program
    stranger: Program


@pytest.fixture
def api(console: Console, tokens: list[str]) -> Programs:
    """The API, over an empty ledger."""
    return Programs(*(Program(console.url, token) for token in [*tokens, ""]))
