"""The shape of accounts that a record is about, and not only told by their login."""

from schemas._base import Account, BigInt


class Person(Account):
    """An account whose id stays when its login changes."""

    id: BigInt
