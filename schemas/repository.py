"""`repository`: a repository was created, renamed, transferred, archived, made private or deleted."""

from pydantic import Field

from schemas import Actor, Former, Repository, Snapshot
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
    repository: Repository
    changes: Changes | None = None

    @property
    def previous_full_name(self) -> str | None:
        """Return the full name before a rename or a transfer, if the payload has it."""
        owner, _, name = self.repository.full_name.partition("/")
        changes = self.changes or Changes()
        if changes.repository and changes.repository.name and changes.repository.name.from_:
            return f"{owner}/{changes.repository.name.from_}"
        if changes.owner and changes.owner.from_:
            former = changes.owner.from_.user or changes.owner.from_.organization
            return f"{former.login}/{name}" if former else None
        return None
