"""The contenders of the part `ingest`: how each is prepared and started, and its table of rows.

Each contender on uvicorn runs one process with uvloop and httptools and no access log, as the Procfile's
`web:` line does. The peers use uvicorn's own protocol, without the limits of receiver/protocol.py.
"""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from honcho.environ import parse_procfile

from bench import processes
from bench.delivery import ROOT, SECRET, Delivery, curl_push, push
from bench.servers import Servers

OURS = "receiver_delivery"
UVICORN = "uvicorn {app} --host 127.0.0.1 --port $PORT --no-access-log --no-server-header"


@dataclass(frozen=True)
class Contender:
    """One server: a shell command that listens on $PORT, and the table that holds a row for each 2xx."""

    name: str
    keeps: str
    command: str
    path: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = ROOT
    database: str = ""
    table: str = ""
    version: str = ""  # if it is not a Python package
    sent: Callable[[], Delivery] = push


class NotInstalledError(Exception):
    """An optional peer is not installed; the message names what is missing."""


def hookkeeper(servers: Servers, name: str, url: str, keeps: str) -> Contender:
    """Return this receiver: the Procfile's line on a migrated, empty database."""
    environment = {
        "DATABASE_URL": url,
        "REDIS_URL": servers.redis_url,
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "HOOKKEEPER_DATA": str(servers.folder),
        "UVICORN_HOST": "127.0.0.1",
    }
    processes.run([sys.executable, "manage.py", "migrate", "--no-input"], environment)
    command = parse_procfile((ROOT / "Procfile").read_text()).processes["web"]
    return Contender(name, keeps, command, "/webhooks/github", environment, database=url, table=OURS)


def hookkeeper_postgresql(servers: Servers) -> Contender:
    """Return the receiver on PostgreSQL."""
    return hookkeeper(
        servers, "hookkeeper-postgresql", servers.create_database("hookkeeper"), "PostgreSQL, fsync"
    )


def hookkeeper_curl(servers: Servers) -> Contender:
    """Return the receiver on PostgreSQL, for few headers and an ASCII body."""
    url = servers.create_database("hookkeeper_curl")
    return replace(
        hookkeeper(servers, "hookkeeper-postgresql-curl", url, "PostgreSQL, fsync"), sent=curl_push
    )


def hookkeeper_filled(servers: Servers) -> Contender:
    """Return the receiver on PostgreSQL with many stored rows."""
    url = servers.create_database("hookkeeper_filled")
    return hookkeeper(servers, "hookkeeper-filled", url, "PostgreSQL, fsync")


def hookkeeper_sqlite(servers: Servers) -> Contender:
    """Return the receiver on SQLite."""
    url = f"sqlite:///{servers.folder / 'hookkeeper.sqlite3'}"
    return hookkeeper(servers, "hookkeeper-sqlite", url, "SQLite, synchronous=FULL")


def django_project(servers: Servers, name: str, project: str, table: str, **more: str) -> Contender:
    """Return one of the Django projects under bench/peers, on its own database."""
    url = servers.create_database(name.replace("-", "_"))
    environment = {
        "DATABASE_URL": url,
        "REDIS_URL": servers.redis_url,
        "PEER_SECRET": SECRET,
        "DJANGO_SETTINGS_MODULE": f"bench.peers.{project}.settings",
        "PYTHONPATH": str(ROOT),
        **more,
    }
    processes.run([sys.executable, "-m", "django", "migrate", "--run-syncdb", "--no-input"], environment)
    command = UVICORN.format(app="--factory django.core.asgi:get_asgi_application")
    return Contender(name, "PostgreSQL, fsync", command, environment=environment, database=url, table=table)


def textbook(servers: Servers) -> Contender:
    """Return the textbook project, with Django's default of a connection for each request."""
    return django_project(servers, "textbook-django", "textbook", "textbook_delivery")


def textbook_pooled(servers: Servers) -> Contender:
    """Return the textbook project with Django's connection pool."""
    return django_project(servers, "textbook-django-pooled", "textbook", "textbook_delivery", PEER_POOL="1")


def django_github_app(servers: Servers) -> Contender:
    """Return django-github-app, from its package."""
    return django_project(servers, "django-github-app", "github_app", "django_github_app_eventlog")


def gidgethub(_servers: Servers) -> Contender:
    """Return gidgethub on aiohttp, from its package."""
    command = f"{shlex.quote(sys.executable)} -m bench.peers.gidgethub_aiohttp"
    return Contender("gidgethub-aiohttp", "nothing", command, environment={"PEER_SECRET": SECRET})


def gidgethub_curl(servers: Servers) -> Contender:
    """Return gidgethub on aiohttp, for few headers and an ASCII body."""
    return replace(gidgethub(servers), name="gidgethub-aiohttp-curl", sent=curl_push)


def uvicorn_hmac(_servers: Servers) -> Contender:
    """Return the upper bound: it only verifies signatures."""
    command = UVICORN.format(app="bench.peers.uvicorn_hmac:application")
    return Contender("uvicorn-hmac", "nothing", command, environment={"PEER_SECRET": SECRET})


def probot(folder: Path) -> Callable[[Servers], Contender]:
    """Return probot from `folder`/node_modules; raise `NotInstalledError` if it is missing."""

    def prepare(_servers: Servers) -> Contender:
        if shutil.which("node") is None:
            raise NotInstalledError("node is not on PATH")
        package = folder / "node_modules" / "probot" / "package.json"
        if not package.is_file():
            raise NotInstalledError("no node_modules/probot in the folder of --probot")
        glue = shlex.quote(str(ROOT / "bench" / "peers" / "probot.mjs"))
        environment = {"PEER_SECRET": SECRET, "NODE_ENV": "production"}
        command = f"node --input-type=module - < {glue}"
        version = json.loads(package.read_text())["version"]
        return Contender("probot", "nothing", command, environment=environment, cwd=folder, version=version)

    return prepare


def webhook(servers: Servers) -> Contender:
    """Return adnanh/webhook, which starts a command for each delivery: here /bin/true."""
    program = shutil.which("webhook")
    if program is None:
        raise NotInstalledError("webhook is not on PATH")
    header = {"source": "header", "name": "X-Hub-Signature-256"}
    hook = {
        "id": "push",
        "execute-command": shutil.which("true") or "true",
        "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": SECRET, "parameter": header}},
    }
    hooks = servers.folder / "hooks.json"
    hooks.write_text(json.dumps([hook]))
    command = f"webhook -hooks {shlex.quote(str(hooks))} -ip 127.0.0.1 -port $PORT"
    process = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    version = process.stdout.strip()
    return Contender("webhook", "nothing (starts a command)", command, "/hooks/push", version=version)


def all_contenders(probot_folder: Path) -> dict[str, Callable[[Servers], Contender]]:
    """Return the contenders by name, in the order of their runs. A call prepares one."""
    return {
        "hookkeeper-postgresql": hookkeeper_postgresql,
        "hookkeeper-postgresql-curl": hookkeeper_curl,
        "hookkeeper-filled": hookkeeper_filled,
        "hookkeeper-sqlite": hookkeeper_sqlite,
        "textbook-django": textbook,
        "textbook-django-pooled": textbook_pooled,
        "django-github-app": django_github_app,
        "gidgethub-aiohttp": gidgethub,
        "gidgethub-aiohttp-curl": gidgethub_curl,
        "probot": probot(probot_folder),
        "webhook": webhook,
        "uvicorn-hmac": uvicorn_hmac,
    }
