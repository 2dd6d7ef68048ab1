"""Payloads for contenders that read every field: the samples of the project and of GitHub, completed.

githubkit's models require every field of GitHub's description. The project's payloads lack unused fields, and
GitHub's published examples lack newer ones. Missing fields are added here with a plausible value, until
githubkit accepts the payload, so that both contenders read the same bytes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import schemas
from bench.delivery import ROOT

# The second is beside the checkout, or missing.
FOLDERS = (ROOT / "tests" / "payloads", ROOT.parent / "shared" / "payloads" / "octokit")

NUMBERS = {
    "+1", "-1", "additions", "changed_files", "comments", "commits", "confused", "deletions", "eyes", "forks",
    "heart", "hooray", "id", "laugh", "number", "open_issues", "review_comments", "rocket", "run_number",
    "size", "watchers", "workflow_id",
}  # fmt: skip
FLAGS = {
    "archived", "default", "disabled", "draft", "fork", "immutable", "locked", "maintainer_can_modify",
    "prerelease", "private", "web_commit_signoff_required",
}  # fmt: skip
LISTS = {
    "assets", "assignees", "events", "labels", "pull_requests", "referenced_workflows", "requested_reviewers",
    "requested_teams", "tags", "topics",
}  # fmt: skip
OBJECTS = {"_links", "author", "committer", "html", "permissions", "reactions", "self"}
WORDS = {
    "author_association": "MEMBER", "mergeable_state": "clean", "type": "User", "visibility": "public",
}  # fmt: skip
TEXTS = {
    "color", "default_branch", "description", "email", "full_name", "gravatar_id", "key", "label", "login",
    "message", "name", "node_id", "path", "ref", "sha", "slug", "title", "tree_id",
}  # fmt: skip
PASSES = 12

Check = Callable[[str, bytes], object]


def bodies(check: Check, folders: Iterable[Path] = FOLDERS) -> tuple[dict[str, list[bytes]], int]:
    """Return the bodies by event, for events with a schema, and the number of those left incomplete.

    `check` validates a body of an event and raises `ValidationError`.
    """
    known = schemas.discover(schemas)
    found: dict[str, list[bytes]] = {}
    refused = 0
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        event = path.name.partition("__")[0]
        if event in known:
            body = completed(event, json.loads(path.read_bytes()), check)
            if body is None:
                refused += 1
            else:
                found.setdefault(event, []).append(body)
    return found, refused


def completed(event: str, payload: dict[str, Any], check: Check) -> bytes | None:
    """Return the body with the fields that `check` requires; None if it is still invalid."""
    for _ in range(PASSES):
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace")
        try:
            check(event, body)
        except ValidationError as error:
            missing = [problem["loc"] for problem in error.errors() if problem["type"] == "missing"]
            if not sum(_fill(payload, path) for path in missing):
                return None
        else:
            return body
    return None


def _fill(payload: Any, path: Sequence[int | str]) -> bool:
    """Add a missing value; return whether it was missing. The path also contains names of models."""
    *_, (place, inside) = _walk(payload, path[:-1])
    name = str(path[-1])
    if not isinstance(place, dict) or name in place:
        return False
    place[name] = _value(name, inside)
    return True


def _walk(value: Any, path: Sequence[int | str]) -> Iterator[tuple[Any, str]]:
    inside = ""
    yield value, inside
    for step in path:
        if isinstance(value, list) and isinstance(step, int):
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value, inside = value[step], str(step)
        yield value, inside


def _value(name: str, inside: str) -> Any:
    """Return a value that GitHub might send under this name."""
    kinds: tuple[tuple[bool, Any], ...] = (
        (inside == "_links" or name in OBJECTS, {}),
        (name == "href" or name.endswith("url"), "https://api.github.example/"),
        (name.endswith("_at"), "2026-05-04T10:00:00Z"),
        (name in NUMBERS or name.endswith("_count"), 0),
        (name in FLAGS or name.startswith(("allow", "has_", "is_", "site_")), False),
        (name in LISTS, []),
        (name in TEXTS, name),
    )
    return next((value for wanted, value in kinds if wanted), WORDS.get(name))
