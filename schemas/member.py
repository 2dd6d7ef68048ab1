"""`member`: a collaborator was added to or removed from a repository, or the permission changed."""

from schemas import Event, Former, Repository, Snapshot
from schemas._people import Person


class Permission(Former):
    """A permission before and after, such as `write`."""

    to: str | None = None


class Changes(Snapshot):
    """The changes of `added` and `edited`; a custom role of an organisation has a name."""

    permission: Permission | None = None
    old_permission: Former | None = None
    role_name: Permission | None = None


class MemberEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#member."""

    foreign = frozenset({"scope", "team"})

    action: str
    member: Person
    changes: Changes | None = None
    repository: Repository

    @property
    def permission(self) -> str | None:
        """Return the role, else the permission, if the payload has one."""
        changes = self.changes or Changes()
        return next((now.to for now in (changes.role_name, changes.permission) if now and now.to), None)

    @property
    def former_permission(self) -> str | None:
        """Return the permission that `edited` replaced, if the payload has it."""
        changes = self.changes or Changes()
        parts = (changes.role_name, changes.permission, changes.old_permission)
        return next((former.from_ for former in parts if former and former.from_), None)
