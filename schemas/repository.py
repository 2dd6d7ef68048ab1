"""`repository`: a repository was created, renamed, transferred, archived, made private or deleted."""

from pydantic import Field

from schemas import Actor, Former, PushedRepository, Snapshot
from schemas._parts import PARTS, PartlessEvent


class FormerName(Snapshot):
    """The former name after a rename."""

    name: Former | None = None


class FormerAccount(Snapshot):
    """The owner before a transfer: a user or an organisation."""

    user: Actor | None = None
    organization: Actor | None = None


class FormerOwner(Snapshot):
    """The former owner after a transfer."""

    from_: FormerAccount | None = Field(None, alias="from")


class Changes(Snapshot):
    """The changes of `renamed`, `transferred` and `edited`."""

    repository: FormerName | None = None
    owner: FormerOwner | None = None
    default_branch: Former | None = None


class RepositoryEvent(PartlessEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#repository."""

    foreign = PARTS

    action: str
    repository: PushedRepository
    changes: Changes | None = None

    @property
    def former_owner(self) -> str | None:
        """Return the login of the owner before a transfer, if the payload has it."""
        former = self.changes.owner.from_ if self.changes and self.changes.owner else None
        account = former and (former.user or former.organization)
        return account.login if account else None

    @property
    def former_name(self) -> str | None:
        """Return the name before a rename, without the owner, if the payload has it."""
        former = self.changes.repository.name if self.changes and self.changes.repository else None
        return former.from_ if former else None
