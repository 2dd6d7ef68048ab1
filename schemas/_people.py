"""Accounts that are identified by their id, and their renames."""

from pydantic import Field

from schemas._base import Account, BigInt, Event, Login, Snapshot


class Person(Account):
    """An account with its id, which does not change with its login."""

    id: BigInt


class FormerLogin(Snapshot):
    """A login before a rename."""

    from_: Login | None = Field(None, alias="from")


class LoginChanges(Snapshot):
    """The changes of `renamed`."""

    login: FormerLogin | None = None


class AccountEvent(Event):
    """An event about an account, which may have been renamed."""

    changes: LoginChanges | None = None

    @property
    def former_login(self) -> str | None:
        """Return the replaced login, if the payload has it."""
        return self.changes.login.from_ if self.changes and self.changes.login else None
