"""Parses the text of the search box. Pure."""

import re
from dataclasses import dataclass
from uuid import UUID

GUID_DIGITS = 32
# GitHub's rules for names, and "_" for accounts that a company manages.
_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+"
_GUID = re.compile(r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])", re.I)
_NUMBERED = re.compile(rf"({_REPOSITORY})#([0-9]{{1,18}})")
# A page of any GitHub server, as a person copies its address; what git clones; the API's, as in a payload.
_SERVER = (
    r"https?://(?:api\.[^/\s]+/repos|[^/\s]+/api/v3/repos|[^/\s]+)/|(?:ssh://)?git@[^/:\s]+[:/]|github\.com/"
)
_THING = r"/(?:pulls?|issues)/([0-9]{1,18})|/commits?/([0-9a-f]{7,64})"
_ADDRESS = re.compile(rf"(?:{_SERVER})({_REPOSITORY})(?:{_THING})?(?:[/?#]\S*)?", re.I)
# The first characters of a GUID as GitHub shows it, with a dash.
_BEGUN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{0,26}", re.I)
_SHA = re.compile(r"[0-9a-f]{7,64}", re.I)


@dataclass(frozen=True, slots=True)
class Guid:
    """One event, as GitHub names it in X-GitHub-Delivery."""

    guid: UUID


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by its full name, or one of its issues or pull requests."""

    name: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Sha:
    """A commit, by its whole hash or its first characters, in lower case. A GUID may begin so, too."""

    sha: str

    @property
    def guids(self) -> tuple[UUID, UUID] | None:
        """The first and the last GUID that begin so; None if none does."""
        if len(self.sha) > GUID_DIGITS:
            return None
        return UUID(self.sha.ljust(GUID_DIGITS, "0")), UUID(self.sha.ljust(GUID_DIGITS, "f"))


@dataclass(frozen=True, slots=True)
class Words:
    """Anything else; it is looked for in errors."""

    text: str


Found = Guid | Repository | Sha | Words


def parse(text: str) -> Found | None:
    """Return the thing that the text names; None for a text without a word."""
    text = text.strip()
    if not text:
        return None
    # It may come with quotes, as JSON has it, or within a line of a log.
    guids = set(map(UUID, _GUID.findall(text)))
    if len(guids) == 1:
        return Guid(guids.pop())
    if address := _ADDRESS.fullmatch(text):
        name, number, sha = address.groups()
        text = sha or name.removesuffix(".git") + (f"#{number}" if number else "")
    if numbered := _NUMBERED.fullmatch(text):
        return Repository(numbered[1], int(numbered[2]))
    if re.fullmatch(_REPOSITORY, text):
        return Repository(text)
    if _BEGUN.fullmatch(text):
        text = text.replace("-", "")
    if _SHA.fullmatch(text):
        return Sha(text.lower())
    return Words(text)
