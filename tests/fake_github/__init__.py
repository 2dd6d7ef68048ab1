"""A GitHub for the tests, on loopback: hooks with their deliveries, Apps, lists, rate limits and faults."""

from tests.fake_github.github import TOKEN, Faults, Github
from tests.fake_github.hooks import Attempt, Hook
from tests.fake_github.limits import Limits
from tests.fake_github.server import APP_ID, private_key, running

__all__ = [
    "APP_ID",
    "TOKEN",
    "Attempt",
    "Faults",
    "Github",
    "Hook",
    "Limits",
    "private_key",
    "running",
]
