"""`label`: a label of a repository was created, edited or deleted. Labels have no time."""

from schemas import BigInt, Event, Former, Repository, Snapshot


class Label(Snapshot):
    """The snapshot of a label; `color` is six hexadecimal digits."""

    id: BigInt
    name: str | None = None
    color: str | None = None
    description: str | None = None
    default: bool | None = None


class Changes(Snapshot):
    """The texts that `edited` replaced."""

    name: Former | None = None
    color: Former | None = None
    description: Former | None = None


class LabelEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#label."""

    foreign = frozenset({"discussion", "issue", "pull_request"})

    action: str
    label: Label
    changes: Changes | None = None
    repository: Repository
