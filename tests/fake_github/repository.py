"""A repository at the fake GitHub: its issues, pull requests, refs, commits, releases and runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from githubkit_schemas.latest import models

from tests.fake_github.github import AnswerError, Github
from tests.fake_github.schema import Fields, complete

Query = Mapping[str, str]
ADA = {"login": "ada", "id": 7, "type": "User"}
SHA = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache
def _template(kind: str) -> Fields:
    """Return an object of the published schema, without what a test chooses."""
    ada = complete(models.SimpleUser, ADA)
    build = {
        "issue": lambda: complete(models.Issue, {"user": ada, "labels": [], "assignees": []}),
        "pull": lambda: complete(models.PullRequestSimple, {"user": ada, "labels": [], "assignees": []}),
        "release": lambda: complete(models.Release, {"author": ada, "body": "Notes"}),
        "run": lambda: complete(models.WorkflowRun, {"actor": ada, "head_sha": SHA}),
        "commit": lambda: complete(models.Commit, {"commit": {"author": {}, "committer": {}}}),
        "ref": lambda: complete(models.GitRef, {"object": {"type": "commit"}}),
        "repository": lambda: complete(models.FullRepository, {"owner": ADA, "private": False}),
    }
    return build[kind]()


@dataclass
class Repository:
    """What GitHub shows of a repository. A test may change it at any time."""

    fake: Github
    full_name: str = "octo/cat"
    id: int = 1296269
    pushed_at: datetime | None = None
    updated_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    issues: dict[int, Fields] = field(default_factory=dict)
    """With pull requests among them, as GitHub lists them."""
    pulls: dict[int, Fields] = field(default_factory=dict)
    releases: dict[int, Fields] = field(default_factory=dict)
    runs: dict[int, Fields] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, list[Fields]] = field(default_factory=dict)
    """Newest first, by the hash of a head."""

    def __post_init__(self) -> None:
        path = f"/repos/{self.full_name}"
        self.fake.data |= {
            path: lambda _: self.as_json(),
            f"{path}/issues": lambda query: _ordered([*self.issues.values()], query),
            f"{path}/pulls": lambda query: _ordered([*self.pulls.values()], query),
            f"{path}/releases": lambda _: [*self.releases.values()],
            f"{path}/actions/runs": lambda _: {
                "total_count": len(self.runs),
                "workflow_runs": sorted(
                    self.runs.values(), key=lambda one: str(one["created_at"]), reverse=True
                ),
            },
            f"{path}/commits": lambda query: self.commits.get(query["sha"], []),
            f"{path}/git/matching-refs/heads/": lambda _: self.listed("refs/heads/"),
            f"{path}/git/matching-refs/tags/": lambda _: self.listed("refs/tags/"),
        }

    def show(self, name: str) -> None:
        """Let the present position of a ref be read alone."""
        [found] = self.listed(name)
        self.fake.data[f"/repos/{self.full_name}/git/{name.replace('refs', 'ref', 1)}"] = found

    def as_json(self) -> Fields:
        owner, _, name = self.full_name.partition("/")
        return _template("repository") | {
            "id": self.id,
            "name": name,
            "full_name": self.full_name,
            "owner": {**_template("repository")["owner"], "login": owner},
            "html_url": f"https://github.com/{self.full_name}",
            "url": f"https://api.github.com/repos/{self.full_name}",
            "default_branch": "main",
            "updated_at": stamp(self.updated_at),
            "pushed_at": stamp(self.pushed_at) if self.pushed_at else None,
        }

    def listed(self, prefix: str) -> list[Fields]:
        if not self.refs:
            raise AnswerError(409, "Git Repository is empty.")
        kind = "commit" if prefix == "refs/heads/" else "tag"
        url = "https://api.github.com/git"
        return [
            _template("ref") | {"ref": name, "object": {"type": kind, "sha": sha, "url": url}}
            for name, sha in sorted(self.refs.items())
            if name.startswith(prefix)
        ]

    def issue(self, number: int, at: datetime, **fields: Any) -> Fields:
        self.issues[number] = _template("issue") | {
            "number": number, "title": f"Issue {number}", "state": "open", "locked": False,
            "created_at": stamp(created(number)), "updated_at": stamp(at), **fields,
        }  # fmt: skip
        return self.issues[number]

    def pull(self, number: int, at: datetime, **fields: Any) -> Fields:
        head = {**_template("pull")["head"], "ref": "topic", "sha": SHA, "repo": None, "label": "ada:topic"}
        base = {**_template("pull")["base"], "ref": "main", "sha": SHA, "label": "octo:main"}
        self.pulls[number] = _template("pull") | {
            "number": number, "title": f"Pull {number}", "state": "open", "draft": False, "locked": False,
            "created_at": stamp(created(number)), "updated_at": stamp(at),
            "head": head, "base": base, "merge_commit_sha": SHA, **fields,
        }  # fmt: skip
        self.issue(
            number, at, pull_request={"url": None, "html_url": None, "diff_url": None, "patch_url": None}
        )
        return self.pulls[number]

    def release(self, number: int, at: datetime, **fields: Any) -> Fields:
        self.releases[number] = _template("release") | {
            "id": number, "tag_name": f"v{number}", "name": f"Version {number}", "target_commitish": "main",
            "created_at": stamp(at), "published_at": stamp(at), "updated_at": stamp(at), **fields,
        }  # fmt: skip
        return self.releases[number]

    def run(self, number: int, at: datetime, **fields: Any) -> Fields:
        self.runs[number] = _template("run") | {
            "id": number, "name": "Test", "run_number": number, "run_attempt": 1, "event": "push",
            "head_branch": "main", "head_sha": SHA, "status": "completed", "conclusion": "success",
            "created_at": stamp(at), "updated_at": stamp(at), "run_started_at": stamp(at), **fields,
        }  # fmt: skip
        return self.runs[number]

    def commit(self, sha: str, message: str = "Mend it", at: datetime | None = None) -> Fields:
        template = _template("commit")
        who = {"name": "Ada", "email": "ada@example.com", "date": stamp(at or self.updated_at)}
        git = {**template["commit"], "message": message, "author": who, "committer": who}
        return template | {"sha": sha, "commit": git}


def created(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)


def _ordered(rows: list[Fields], query: Query) -> list[Fields]:
    """Return rows as the lists of issues and pull requests filter and order them."""
    field_name = f"{query.get('sort', 'created')}_at"
    found = [row for row in rows if str(row["updated_at"]) >= query.get("since", "")]
    return sorted(found, key=lambda row: str(row[field_name]), reverse=query.get("direction") != "asc")
