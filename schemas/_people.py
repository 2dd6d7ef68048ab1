"""Accounts that are identified by their id."""

from schemas._base import Account, BigInt


class Person(Account):
    """An account with its id, which does not change with its login."""

    id: BigInt
