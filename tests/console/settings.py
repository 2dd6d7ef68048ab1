"""Settings of the tests' consoles: those of the console, but a password takes no time to check."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from console.settings import *  # noqa: F403 - as in console/settings.py


class OneRound(PBKDF2PasswordHasher):
    """Django's own hasher, which takes a third of a second of CPU for each password."""

    iterations = 1


PASSWORD_HASHERS = ["tests.console.settings.OneRound"]
