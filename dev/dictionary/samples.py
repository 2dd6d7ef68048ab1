"""Makes the training texts: the project's samples, short and whole, each several times with other names.

Names, texts, numbers, hashes and times, which senders choose, are replaced. So the dictionary learns what
GitHub writes around them, and contains no name of the samples.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any
from uuid import UUID

from dev.dictionary.whole import Payload, whole

PAYLOADS = Path(__file__).parents[2] / "tests" / "payloads"
VARIATIONS = 10  # of each sample, short and whole
COMMITS = (1, 2, 5, 10)
_TEXTS = {"body", "description", "display_title", "from", "message", "summary", "title", "zen"}
_NAMES = {
    "app_slug", "context", "full_name", "full_ref", "head_branch", "label", "login", "name", "ref",
    "runner_name", "slug", "tag_name", "username", "workflow_name",
}  # fmt: skip
_PATHS = {"added", "modified", "path", "removed"}
_SHORTEST_NAME = 3
_SMALLEST_NUMBER = 10  # smaller ones stay: they are counts
_ON_A_SERVER = 0.1  # share of GitHub Enterprise Server
_TARGETS = ("repository", "organization", "integration")
_WRITTEN_BY_GITHUB = {
    "GitHub", "Actions", "dependabot[bot]", "github-actions", "heads", "main", "refs", "tags", "web-flow",
}  # fmt: skip
_WORDS = (  # of messages and titles
    "a add after all and api are as at be before branch bug build bump by can change check ci code config "
    "dependencies docs does error feature file files fix for from github has if in into is issue it log main "
    "merge minor more move name new not of on one only page pull python readme refactor release remove "
    "request return run set should some test tests that the this to type update use user version was when "
    "with"
)


def samples(variations: int = VARIATIONS) -> Iterator[bytes]:
    """Yield bodies and headers, the same for the same files."""
    originals = {path.name: json.loads(path.read_bytes()) for path in sorted(PAYLOADS.glob("*.json"))}
    names = sorted(_named(list(originals.values())), key=lambda name: (-len(name), name))
    random = Random(1)  # noqa: S311 - the same in every run
    for name, payload in originals.items():
        for number in range(variations):
            sized = payload
            if name.startswith("push__") and payload["commits"]:
                sized = {**payload, "commits": (payload["commits"] * 10)[: COMMITS[number % len(COMMITS)]]}
            for made in (sized, whole(sized)):
                yield _dumped(_Variation(random, names).of(made))
            yield _dumped(_headers(random, name.partition("__")[0], on_a_server=number % 10 == 0))


def _dumped(value: Payload) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _headers(random: Random, event: str, *, on_a_server: bool) -> dict[str, str]:
    """Return the headers of a delivery as they are stored, by name; those of GitHub Enterprise Server too."""
    server = {"X-GitHub-Enterprise-Host": "git.example.com", "X-GitHub-Enterprise-Version": "3.18.2"}
    return {
        "User-Agent": f"GitHub-Hookshot/{random.getrandbits(28):07x}",
        "X-GitHub-Delivery": str(UUID(int=random.getrandbits(128), version=4)),
        **(server if on_a_server else {}),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(random.randint(10**8, 10**9)),
        "X-GitHub-Hook-Installation-Target-ID": str(random.randint(10**6, 10**9)),
        "X-GitHub-Hook-Installation-Target-Type": random.choice(_TARGETS),
    }


def _named(value: Any, key: str = "") -> set[str]:
    """Return the names that senders chose in a payload: of people, repositories, labels and workflows."""
    if isinstance(value, dict):
        return set().union(*(_named(one, name) for name, one in value.items()))
    if isinstance(value, list):
        return set().union(*(_named(one, key) for one in value))
    if isinstance(value, str) and key in _NAMES:
        parts = re.split(r"[\s/:]", value)
        words = {word for word in parts if len(word) >= _SHORTEST_NAME and not word.isdigit()}
        return words - _WRITTEN_BY_GITHUB
    return set()


class _Variation:
    """Replaces names and numbers; equal values stay equal."""

    def __init__(self, random: Random, names: list[str]) -> None:
        self._random = random
        self._replaced: dict[str, str] = {}
        server = "github.com"
        self._hosts = {"github.example": server, "api.github.example": f"api.{server}"}
        if random.random() < _ON_A_SERVER:
            server = f"git.{self._name('')}.com"
            self._hosts = {"github.example": server, "api.github.example": f"{server}/api/v3"}
        kinds: dict[str, Callable[[str], str]] = {
            r"(?:api\.)?github\.example": self._hosts.__getitem__,
            r"avatars\.example/u/\d+": self._avatar,
            r"\b[0-9a-f]{40}\b": self._sha,
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d": self._time,
            r"(?<![\w.])(?!git@)[\w.+\[\]-]+@[\w-]+(?:\.[\w-]+)+": self._email,
            r"[\w-]+\.example": lambda _: f"{self._name('')}.com",
            "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names): self._name,
            r"(?<!\w)\d{2,}(?!\w)": self._digits,
        }
        self._make = list(kinds.values())
        self._pattern = re.compile("|".join(f"({pattern})" for pattern in kinds))

    def of(self, value: Any, key: str = "") -> Any:
        """Return the payload with replacements."""
        if isinstance(value, dict):
            return {name: self.of(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self.of(one, key) for one in value]
        if isinstance(value, str):
            return self._string(value, key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= _SMALLEST_NUMBER:
            return int(self._once(str(value), self._digits))
        return value

    def _string(self, value: str, key: str) -> str:
        if key in _TEXTS and value:
            return self._once(value, self._text)
        if key in _PATHS:
            return self._once(value, self._path)
        if key == "node_id":
            return f"{value.partition('_')[0]}_{self._once(f'_{value}', self._name)}"
        return self._pattern.sub(self._match, value)

    def _match(self, found: re.Match[str]) -> str:
        return self._once(found[0], self._make[(found.lastindex or 1) - 1])

    def _once(self, original: str, make: Callable[[str], str]) -> str:
        if original not in self._replaced:
            self._replaced[original] = make(original)
        return self._replaced[original]

    def _name(self, _original: str) -> str:
        letters = self._random.choices(ascii_lowercase, k=self._random.randint(4, 14))
        return "".join(letters)

    def _digits(self, original: str) -> str:
        return str(self._random.randint(10 ** (len(original) - 1), 10 ** len(original) - 1))

    def _avatar(self, original: str) -> str:
        number = self._once(original.rpartition("/")[2], self._digits)
        return f"avatars.githubusercontent.com/u/{number}?v=4"

    def _sha(self, original: str) -> str:
        return f"{self._random.getrandbits(160):040x}" if original.strip("0") else original

    def _time(self, _original: str) -> str:
        part = self._random.randint
        day = f"{part(2008, 2030)}-{part(1, 12):02}-{part(1, 28):02}"
        return f"{day}T{part(0, 23):02}:{part(0, 59):02}:{part(0, 59):02}"

    def _email(self, original: str) -> str:
        if original.startswith("noreply@"):
            return "noreply@github.com"
        host = self._random.choice(("users.noreply.github.com", "gmail.com", f"{self._name('')}.com"))
        return f"{self._name('')}@{host}"

    def _path(self, original: str) -> str:
        folders = [self._name("") for _ in range(self._random.randint(0, 3))]
        return "/".join([*folders, f"{self._name('')}.{original.rpartition('.')[2]}"])

    def _text(self, original: str) -> str:
        words = self._random.choices(_WORDS.split(), k=max(1, len(original) // 5))
        return " ".join(words).capitalize()
