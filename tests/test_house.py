"""Which part may import which, read from the imports, and what the docs must contain."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import get_resolver

from tests.processes import PROCFILE, ROOT, environment

PARTS = [
    "configuration",
    "telemetry",
    "receiver",
    "schemas",
    "database",
    "handlers",
    "records",
    "processing",
    "ledger",
    "upstream",
    "api",
    "console",
    "dev",
]
# Part to what of this project it may import. `worker` and `settings` are modules of one file.
ALLOWED = {
    "settings": {"configuration"},
    "configuration": set(),
    "schemas": set(),
    "database": set(),
    "telemetry": {"database"},
    "records": {"database", "schemas"},
    "handlers": {"records", "schemas"},
    "receiver": {"configuration.redis_pools", "configuration.stopping", "database.postgresql", "schemas",
                 "telemetry"},
    "processing": {"configuration.redis_pools", "handlers", "ledger", "records", "schemas", "database",
                   "receiver.models", "receiver.queue", "telemetry"},
    "upstream": {"ledger", "records", "schemas", "database", "receiver.envelopes", "receiver.models"},
    "worker": {"configuration.stopping", "processing", "receiver.queue", "ledger.heartbeats",
               "ledger.pruning", "ledger.replays", "ledger.stats", "upstream"},
    "ledger": {"configuration.redis_pools", "database", "records.models", "receiver.models"},
    "api": {"ledger", "upstream", "database", "records.models", "receiver.frames", "receiver.models",
            "receiver.queue"},
    "console": {"api", "ledger", "upstream", "processing", "database", "receiver", "handlers", "records",
                "schemas", "telemetry", "settings", "configuration"},
    "dev": {"configuration.data_folder", "settings"},
    # It writes the reference from what the others say of themselves.
    "dev/reference": {"settings", "configuration", "api", "console", "handlers", "ledger.models",
                      "receiver.models", "schemas"},
    "manage": {"configuration.stopping", "database.errors", "database.postgresql", "settings"},
}  # fmt: skip
OURS = {*PARTS, "worker", "settings", "tests", "manage"}


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the dotted name of every module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written from the root"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def sources() -> list[Path]:
    files = [
        path
        for part in PARTS
        for path in sorted((ROOT / part).rglob("*.py"))
        if "migrations" not in path.parts
    ]
    return [*files, ROOT / "worker.py", ROOT / "settings.py", ROOT / "manage.py"]


def wrong(path: Path) -> set[str]:
    """Return what a file imports and may not."""
    parts = path.relative_to(ROOT).parts
    part = parts[0].removesuffix(".py")
    may_import = ALLOWED.get("/".join(parts[:2]), ALLOWED[part])
    ours = {name for name in imports(path) if name.partition(".")[0] in OURS - {part}}
    return {
        name
        for name in ours
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in may_import)
    }


def test_imports_point_one_way() -> None:
    assert {path: names for path in sources() if (names := wrong(path))} == {}


def test_arq_appears_in_the_queue_and_the_worker_alone() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(name.partition(".")[0] == "arq" for name in imports(path))
    }
    assert users <= {
        "receiver/queue.py", "processing/resilient_redis.py", "worker.py"
    }  # fmt: skip


def test_schemas_import_pydantic_and_the_standard_library_only() -> None:
    for path in (ROOT / "schemas").glob("*.py"):
        roots = {name.partition(".")[0] for name in imports(path)}
        assert roots <= {"schemas", "pydantic", *sys.stdlib_module_names}, path


@pytest.mark.parametrize("part", ["schemas", "handlers"])
def test_handlers_and_schemas_know_neither_django_nor_redis(part: str) -> None:
    for path in (ROOT / part).glob("*.py"):
        assert not {name.partition(".")[0] for name in imports(path)} & {
            "django",
            "redis",
            "arq",
            "receiver",
        }, path


@cache
def started(module: str) -> list[str]:
    """Import a module in a new process, on SQLite; return the number of frozen objects, and the modules."""
    code = f"import {module}, gc, sys; print(gc.isenabled() and gc.get_freeze_count(), *sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(DATABASE_URL=""), capture_output=True,
        text=True, check=True,
    ).stdout.split()  # fmt: skip


def test_no_garbage_collection_looks_at_what_the_receiver_imported() -> None:
    assert int(started("receiver.asgi")[0]) > 50_000


def test_on_sqlite_the_receiver_loads_neither_psycopg_nor_models_of_payloads() -> None:
    assert not {"psycopg", "pydantic", "schemas._base"} & set(started("receiver.asgi"))


@pytest.mark.parametrize("module", ["receiver.asgi", "worker"])
def test_receiver_and_worker_load_nothing_of_the_console_but_the_table_of_operations(module: str) -> None:
    _, *loaded = started(module)
    foreign = {
        "opentelemetry",
        "prometheus_client",
        "api",
        "console",
        "ledger",
        "ninja",
        "django_htmx",
        "servestatic",
        "playwright",
    }
    found = {name for name in loaded if name.partition(".")[0] in foreign}
    assert found <= {"ledger", "ledger.models"}
    assert [name for name in loaded if name.startswith("django.contrib.")] == []


def test_the_procfile_has_its_four_lines() -> None:
    assert list(PROCFILE) == ["release", "web", "worker", "console"]
    assert "console.asgi:application" in PROCFILE["console"]
    assert "receiver.asgi:application" in PROCFILE["web"]
    assert PROCFILE["web"].endswith(" --timeout-worker-healthcheck 30"), (
        "uvicorn kills a process that stalls for five seconds, as disks and virtual machines do"
    )
    for line in (PROCFILE["web"], PROCFILE["console"]):
        assert " --ws none " in line, "Django answers a WebSocket handshake with 500 and a traceback"
        assert " --timeout-keep-alive 75 " in line, "nginx and AWS keep a connection for 60 seconds and more"
    assert " --workers 1 " in PROCFILE["console"], "WEB_CONCURRENCY counts processes of the receiver"
    assert PROCFILE["worker"] == "arq worker.WorkerSettings"


def test_the_lock_has_hashes_and_names_no_index() -> None:
    found = sorted(ROOT.glob("requirements*.txt"))
    assert len(found) == 5
    for path in found:
        text = path.read_text()
        pins = re.findall(r"^[a-z0-9-]+==", text, re.M)
        assert len(pins) > 20 or path.name == "requirements-pip.txt"
        assert text.count("--hash=sha256:") >= len(pins)
        pinned = re.sub(r"^ *#.*$", "", text, flags=re.M)
        assert not re.search(r"index-url|://", pinned)


def test_every_endpoint_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text()
    paths = {
        re.sub(r"\(\?P<(\w+)>.*?\)(?=/|$)", r"<\1>", str(pattern.pattern))
        .removeprefix("^")
        .removesuffix("/?$")
        for pattern in get_resolver().url_patterns
    }
    assert paths == {"$", "webhooks/github", "webhooks/github/<source>", "healthz", "readyz"}
    assert {path for path in paths - {"$"} if f"/{path}`" not in page} == set()
    assert "`/`" in page


def test_every_status_is_documented() -> None:
    from receiver.models import Outcome, Status, Trigger  # noqa: PLC0415 - needs Django's apps

    page = (ROOT / "docs" / "reference" / "deliveries.md").read_text()
    for words in (Status, Trigger, Outcome):
        assert {word for word in words.values if f"`{word}`" not in page} == set()


def test_every_record_is_in_records_models() -> None:
    import records.models  # noqa: PLC0415 - needs Django's apps

    found = apps.get_app_config("records").get_models()
    assert sorted(model.__name__ for model in found) == sorted(records.models.__all__)


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_unit_tests_import_nothing_of_the_fault_tests() -> None:
    others = [path for path in (ROOT / "tests").rglob("*.py") if "chaos" not in path.parts]
    assert [path for path in others if re.search(r"(from|import) tests\.chaos", path.read_text())] == []
