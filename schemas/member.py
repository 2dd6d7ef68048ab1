"""`member`: an account may work in a repository, may no longer, or may do other things there than before."""

from schemas import Event, Former, Repository, Snapshot
from schemas._people import Person


class Permission(Former):
    """What was and is allowed, such as `write`."""

    to: str | None = None


class Changes(Snapshot):
    """What `added` and `edited` tell; a role that an organisation made is told by name."""

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
        """Return the role, else the permission, where the payload tells one."""
        told = self.changes or Changes()
        return next((now.to for now in (told.role_name, told.permission) if now and now.to), None)

    @property
    def former_permission(self) -> str | None:
        """Return what `edited` replaced, where the payload tells it."""
        told = self.changes or Changes()
        parts = (told.role_name, told.permission, told.old_permission)
        return next((former.from_ for former in parts if former and former.from_), None)
