"""Fixtures of the tests of the receiver."""

from collections.abc import AsyncIterator

import pytest

from tests.receiver.served import Server, serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Yield a server of the protocol, whose deadlines are looked at often."""
    async with serving() as served:
        yield served
