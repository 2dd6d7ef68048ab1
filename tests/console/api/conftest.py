"""Programs with tokens: one that may read, one that may operate, and those that are about to lose theirs."""

from dataclasses import dataclass

import pytest

from tests.console.api.programs import Program
from tests.console.conftest import Console, manage

CREATE = """
from datetime import timedelta
from django.utils import timezone
from api.tokens import create
later = timezone.now() + timedelta(days=1)
print(create("reader", "read", limit=10**6), create("operator", "operate", limit=10**6))
print(create("to expire", "read", expires_at=later), create("to be revoked", "read"))
print(create("of two requests", "read", limit=2))
"""


@dataclass(frozen=True)
class Programs:
    reader: Program
    operator: Program
    to_expire: Program
    to_be_revoked: Program
    of_two_requests: Program
    stranger: Program


@pytest.fixture(scope="session")
def tokens(accounts: str) -> list[str]:
    return manage("shell", "--no-imports", "-c", CREATE, DATABASE_URL=accounts).split()


@pytest.fixture
def api(console: Console, tokens: list[str]) -> Programs:
    """The API, over an empty ledger."""
    return Programs(*(Program(console.url, token) for token in [*tokens, ""]))
