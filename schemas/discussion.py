"""`discussion`: something happened to a discussion; the payload shows the state after it."""

from pydantic import Field

from schemas import Actor, BigInt, Edits, Event, Items, Label, Repository, Snapshot, Timestamp


class Category(Snapshot):
    """The category of a discussion."""

    name: str


class Discussion(Snapshot):
    """The snapshot of a discussion; `state` is an open set."""

    number: BigInt
    title: str | None = None
    state: str | None = None
    state_reason: str | None = None
    category: Category | None = None
    user: Actor | None = None
    locked: bool | None = None
    labels: Items[Label | None] | None = None
    answer_chosen_at: Timestamp | None = None
    answer_chosen_by: Actor | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class Destination(Snapshot):
    """The discussion that a transfer created in another repository."""

    number: BigInt


class FormerCategory(Snapshot):
    """The category before a change."""

    from_: Category | None = Field(None, alias="from")


class Changes(Edits):
    """The changes of `edited`, `category_changed` and `transferred`."""

    category: FormerCategory | None = None
    new_discussion: Destination | None = None
    new_repository: Repository | None = None


class DiscussionEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#discussion."""

    foreign = frozenset({"comment"})

    action: str
    discussion: Discussion
    label: Label | None = None
    changes: Changes | None = None
    repository: Repository

    @property
    def former_category(self) -> str | None:
        """Return the replaced category, if the payload has it."""
        former = self.changes.category.from_ if self.changes and self.changes.category else None
        return former.name if former else None
