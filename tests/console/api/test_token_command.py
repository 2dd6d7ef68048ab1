"""`manage.py token`: the token is the only line of stdout, and only its hash is stored."""

import re

import pytest

from tests.console.api.conftest import Programs
from tests.console.api.programs import Program
from tests.console.conftest import manage


@pytest.mark.full("postgresql")
def test_a_token_is_printed_once_as_the_only_line_and_works(api: Programs, accounts: str) -> None:
    printed = manage("token", "create", "a bot", "--scope", "read", "--expires", "90d", DATABASE_URL=accounts)
    assert re.fullmatch(r"hk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}\n", printed)
    assert Program(api.reader.url, printed.strip()).get("deliveries").status == 200
