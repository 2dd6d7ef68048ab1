"""Completes the project's samples to what GitHub sends: most of a body are links that no schema reads.

Source of the members and their order: https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from collections.abc import Callable
from typing import Any

Payload = dict[str, Any]

API = "https://api.github.example"
_USER = (
    "followers", "following{/other_user}", "gists{/gist_id}", "starred{/owner}{/repo}", "subscriptions",
    "organizations=orgs", "repos", "events{/privacy}", "received_events",
)  # fmt: skip
_ORGANIZATION = ("repos", "events", "hooks", "issues", "members{/member}", "public_members{/member}")
_REPOSITORY = (
    "forks", "keys{/key_id}", "collaborators{/collaborator}", "teams", "hooks",
    "issue_events=issues/events{/number}", "events", "assignees{/user}", "branches{/branch}", "tags",
    "blobs=git/blobs{/sha}", "git_tags=git/tags{/sha}", "git_refs=git/refs{/sha}", "trees=git/trees{/sha}",
    "statuses=statuses/{sha}", "languages", "stargazers", "contributors", "subscribers", "subscription",
    "commits{/sha}", "git_commits=git/commits{/sha}", "comments{/number}",
    "issue_comment=issues/comments{/number}", "contents=contents/{+path}", "compare=compare/{base}...{head}",
    "merges", "archive={archive_format}{/ref}", "downloads", "issues{/number}", "pulls{/number}",
    "milestones{/number}", "notifications{?since,all,participating}", "labels{/name}", "releases{/id}",
    "deployments",
)  # fmt: skip
_ISSUE = ("labels{/name}", "comments", "events")
_RUN = ("jobs", "logs", "artifacts", "cancel", "rerun")
_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
_PERMISSIONS = (
    "actions", "administration", "attestations", "checks", "contents", "deployments", "discussions", "issues",
    "merge_queues", "metadata", "models", "packages", "pages", "pull_requests", "repository_hooks",
    "repository_projects", "security_events", "statuses", "vulnerability_alerts",
)  # fmt: skip


def whole(value: Any, within: str = "") -> Any:
    """Return a payload with all members; `within` is the URL of the repository in the API."""
    if isinstance(value, list):
        return [whole(one, within) for one in value]
    if not isinstance(value, dict):
        return value
    if not within and "repository" in value:
        within = f"{API}/repos/{value['repository']['full_name']}"
    made = {name: whole(one, within) for name, one in value.items()}
    for belongs, complete in _COMPLETED:
        if all(name in made for name in belongs):
            return complete(made, within)
    return made


def _links(url: str, names: tuple[str, ...]) -> Payload:
    found = {}
    for name in names:
        key, _, path = name.partition("=")
        key = key.partition("{")[0]
        found[f"{key}_url"] = f"{url}/{path or name}"
    return found


def _user(user: Payload, _within: str) -> Payload:
    url = f"{API}/users/{user['login']}"
    first = {name: user.get(name) for name in ("login", "id", "node_id", "avatar_url")}
    links = {"gravatar_id": "", "url": url, "html_url": user.get("html_url"), **_links(url, _USER)}
    return first | links | {"type": user["type"], "user_view_type": "public", "site_admin": False} | user


def _organization(organization: Payload, _within: str) -> Payload:
    url, number = f"{API}/orgs/{organization['login']}", organization["id"]
    links = {"url": url, **_links(url, _ORGANIZATION)}
    avatar = {"avatar_url": f"https://avatars.example/u/{number}", "description": ""}
    return organization | {"node_id": f"O_{number}"} | links | avatar


def _repository(repository: Payload, _within: str) -> Payload:
    name = repository["full_name"]
    url, page = f"{API}/repos/{name}", f"https://github.example/{name}"
    names = (
        "id", "node_id", "name", "full_name", "private", "owner", "html_url", "description", "fork",
    )  # fmt: skip
    first = {name: repository[name] for name in names if name in repository}
    times = {name: repository.get(name) for name in ("created_at", "updated_at", "pushed_at")}
    addresses: Payload = {
        "git_url": f"git://github.example/{name}.git", "ssh_url": f"git@github.example:{name}.git",
        "clone_url": f"{page}.git", "svn_url": page, "homepage": None, "size": 1234, "stargazers_count": 0,
        "watchers_count": 0, "language": "Python", "has_issues": True, "has_projects": True,
        "has_downloads": True, "has_wiki": True, "has_pages": False, "has_discussions": False,
        "forks_count": 0, "mirror_url": None, "archived": False, "disabled": False,
        "open_issues_count": 3, "license": None, "allow_forking": True, "is_template": False,
        "web_commit_signoff_required": False, "topics": [], "visibility": "public", "forks": 0,
        "open_issues": 3, "watchers": 0, "default_branch": "main",
    }  # fmt: skip
    return first | {"url": url} | _links(url, _REPOSITORY) | times | addresses | repository | {
        "custom_properties": {}
    }  # fmt: skip


def _numbered(one: Payload, url: str, page: str) -> Payload:
    names = ("id", "node_id", "number", "title", "user", "labels", "state", "locked", "assignee", "assignees")
    first = {name: one.get(name) for name in names}
    return {"url": url, "html_url": f"{page}/{one['number']}", **first, **one}


def _issue(issue: Payload, within: str) -> Payload:
    url = f"{within}/issues/{issue['number']}"
    page = within.replace(f"{API}/repos", "https://github.example")
    links = {"url": url, "repository_url": within, **_links(url, _ISSUE)}
    last = {
        "active_lock_reason": None, "body": None, "closed_by": None, "reactions": _reactions(url),
        "timeline_url": f"{url}/timeline", "performed_via_github_app": None, "state_reason": None,
        "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
        "issue_dependencies_summary": {
            "blocked_by": 0, "total_blocked_by": 0, "blocking": 0, "total_blocking": 0,
        },
        "type": None,
    }  # fmt: skip
    return links | _numbered(issue, url, f"{page}/issues") | last | issue


def _pull_request(pull: Payload, within: str) -> Payload:
    number, page = pull["number"], within.replace(f"{API}/repos", "https://github.example")
    url, issue, html = f"{within}/pulls/{number}", f"{within}/issues/{number}", f"{page}/pull/{number}"
    statuses = f"{within}/statuses/{pull['head']['sha']}"
    links = {
        "url": url, "id": pull["id"], "node_id": pull.get("node_id"), "html_url": html,
        "diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "issue_url": issue,
    }  # fmt: skip
    further = {
        "requested_teams": [], "commits_url": f"{url}/commits", "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{within}/pulls/comments{{/number}}", "comments_url": f"{issue}/comments",
        "statuses_url": statuses,
    }  # fmt: skip
    hrefs = {
        "self": url, "html": html, "issue": issue, "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments", "review_comment": f"{within}/pulls/comments{{/number}}",
        "commits": f"{url}/commits", "statuses": statuses,
    }  # fmt: skip
    last = {
        "_links": {name: {"href": one} for name, one in hrefs.items()},
        "author_association": "CONTRIBUTOR", "auto_merge": None, "active_lock_reason": None, "merged": False,
        "mergeable": None, "rebaseable": None, "mergeable_state": "unknown", "merged_by": None, "comments": 0,
        "review_comments": 0, "maintainer_can_modify": False, "commits": 1, "additions": 1, "deletions": 1,
        "changed_files": 1,
    }  # fmt: skip
    names = (
        "number", "state", "locked", "title", "user", "body", "created_at", "updated_at", "closed_at",
        "merged_at", "merge_commit_sha", "assignee", "assignees", "requested_reviewers",
    )  # fmt: skip
    first = {name: pull.get(name) for name in names}
    return links | first | further | {"labels": [], "milestone": None, "draft": False} | {
        name: pull[name] for name in ("head", "base")
    } | last | pull  # fmt: skip


def _run(run: Payload, within: str) -> Payload:
    url = f"{within}/actions/runs/{run['id']}"
    page = url.replace(f"{API}/repos", "https://github.example")
    links = {
        "url": url, "html_url": page, **_links(url, _RUN),
        "check_suite_url": f"{within}/check-suites/{run['check_suite_id']}", "previous_attempt_url": None,
        "workflow_url": f"{within}/actions/workflows/{run['workflow_id']}", "referenced_workflows": [],
    }  # fmt: skip
    return run | links


def _job(job: Payload, within: str) -> Payload:
    number = job["id"]
    steps = ("Set up job", "Run actions/checkout@v4", "Run actions/setup-python@v5", "Install", "Run tests",
             "Post Run actions/checkout@v4", "Complete job")  # fmt: skip
    times = {"started_at": job["started_at"], "completed_at": job.get("completed_at") or job["started_at"]}
    ran = [
        {"name": name, "status": "completed", "conclusion": "success", "number": place + 1, **times}
        for place, name in enumerate(steps)
    ]
    return job | {
        "run_url": f"{within}/actions/runs/{job['run_id']}",
        "check_run_url": f"{within}/check-runs/{number}", "steps": ran, "runner_group_name": "GitHub Actions",
    }  # fmt: skip


def _check_run(run: Payload, within: str) -> Payload:
    number, page = run["id"], within.replace(f"{API}/repos", "https://github.example")
    urls = {"html_url": f"{page}/runs/{number}", "details_url": f"{page}/actions/runs/{number}/job/{number}"}
    output = {**run["output"], "annotations_url": f"{within}/check-runs/{number}/annotations"}
    return run | urls | {"output": output}


def _app(app: Payload, _within: str) -> Payload:
    owner = {
        "login": "github", "id": 9919, "node_id": "MDEyOk9yZ2FuaXphdGlvbjk5MTk=", "type": "Organization",
        "avatar_url": "https://avatars.example/u/9919", "html_url": "https://github.example/github",
    }  # fmt: skip
    return {
        "id": app["id"], "client_id": "Iv1.05c79e9ad1f6bdfa", "slug": app["slug"], "node_id": "A_15368",
        "owner": _user(owner, ""), "name": app["name"], "description": "Automate your workflow",
        "external_url": "https://help.github.com/en/actions",
        "html_url": f"https://github.example/apps/{app['slug']}", "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2024-04-10T20:33:16Z", "permissions": dict.fromkeys(_PERMISSIONS, "write"),
        "events": ["branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment"],
    }  # fmt: skip


def _label(label: Payload, within: str) -> Payload:
    number, name = label["id"], label["name"]
    first = {"id": number, "node_id": f"LA_{number}", "url": f"{within}/labels/{name}", "name": name}
    return first | {"color": label["color"], "default": True, "description": "Something is wrong"} | label


def _comment(comment: Payload, _within: str) -> Payload:
    return comment | {"reactions": _reactions(comment["url"]), "performed_via_github_app": None}


def _reactions(url: str) -> Payload:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)}


# Members that identify a kind of object, and the function that completes it. The first match counts.
_COMPLETED: tuple[tuple[tuple[str, ...], Callable[[Payload, str], Payload]], ...] = (
    (("login", "type"), _user),
    (("login", "id"), _organization),
    (("full_name", "owner"), _repository),
    (("number", "head", "title"), _pull_request),
    (("number", "labels", "title"), _issue),
    (("run_number", "workflow_id"), _run),
    (("run_id", "steps"), _job),
    (("output", "check_suite"), _check_run),
    (("slug", "owner"), _app),
    (("color", "id"), _label),
    (("author_association", "body", "url"), _comment),
)
