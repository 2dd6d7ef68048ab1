"""`repository`: a repository was created, renamed, transferred, archived, made private or deleted."""

from pydantic import Field

from schemas import Actor, Event, Repository, Snapshot


class Former(Snapshot):
    """A value before the change."""

    from_: str | None = Field(None, alias="from")


class FormerName(Snapshot):
    """Of a rename."""

    name: Former | None = None


class FormerAccount(Snapshot):
    """Who had the repository before a transfer: one of the two."""

    user: Actor | None = None
    organization: Actor | None = None


class FormerOwner(Snapshot):
    """Of a transfer."""

    from_: FormerAccount | None = Field(None, alias="from")


class Changes(Snapshot):
    """What `renamed` and `transferred` tell besides."""

    repository: FormerName | None = None
    owner: FormerOwner | None = None


class RepositoryEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#repository."""

    action: str
    repository: Repository
    changes: Changes | None = None

    @property
    def previous_full_name(self) -> str | None:
        """The full name before this event, where it tells of a new one."""
        owner, _, name = self.repository.full_name.partition("/")
        changes = self.changes or Changes()
        if changes.repository and changes.repository.name and changes.repository.name.from_:
            return f"{owner}/{changes.repository.name.from_}"
        if changes.owner and changes.owner.from_:
            former = changes.owner.from_.user or changes.owner.from_.organization
            return f"{former.login}/{name}" if former else None
        return None
