"""The code of docs/how-to/add-an-event.md works as it stands there, and the rest of the suite accepts it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

PAGE = (ROOT / "docs" / "how-to" / "add-an-event.md").read_text()
EVENT, RECORD = (
    dict(re.findall(r"`([\w/]+\.(?:py|json))`:\n\n```\w+\n(.*?)```", part, re.S))
    for part in PAGE.split("## Store a record")
)
[SPARSE] = re.findall(r"^    ```python\n(.*?)^    ```$", PAGE, re.S | re.M)
PARTS = [
    "api",
    "configuration",
    "console",
    "database",
    "dev",
    "handlers",
    "ledger",
    "processing",
    "receiver",
    "records",
    "schemas",
    "telemetry",
    "tests",
    "upstream",
]
# Tests that look at every event, and may refuse the one of the page.
OF_ALL_EVENTS = [
    "tests/schemas/test_foreign.py",
    "tests/schemas/test_tolerance.py",
    "tests/records/test_sparse_payloads.py",
]
ABOUT_IT = "dependabot_alert or test_every or new_alert"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project with the files of the event added."""
    for part in PARTS:
        # With what is compiled, but not what another process writes now and renames.
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("*.pyc.*"))
    for name in ("pyproject.toml", "settings.py", "manage.py", "Procfile"):
        shutil.copy(ROOT / name, tmp_path)
    for name, content in EVENT.items():
        assert not (tmp_path / name).exists(), "three new files, and none that is there"
        (tmp_path / name).write_text(content)
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    # No limit but the test's own: under load, a whole run of pytest can take minutes.
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tests(folder: Path, *others: str) -> None:
    run(folder, "-m", "pytest", "-q", "-k", ABOUT_IT, "tests/handlers/test_dependabot_alert.py", *others)


def test_the_pages_own_test_passes_with_three_new_files(copy: Path) -> None:
    assert list(EVENT) == [
        "schemas/dependabot_alert.py",
        "handlers/dependabot_alert.py",
        "tests/payloads/dependabot_alert__created.json",
        "tests/handlers/test_dependabot_alert.py",
    ]
    run_tests(copy)


def test_the_pages_record_is_written_after_its_steps(copy: Path) -> None:
    assert list(RECORD) == [
        "records/dependabot_alerts.py",
        "handlers/dependabot_alert.py",
        "tests/handlers/test_dependabot_alert.py",
    ]
    for name, content in RECORD.items():
        (copy / name).write_text(content)
    models, sparse = copy / "records" / "models.py", copy / "tests" / "records" / "test_sparse_payloads.py"
    imported = "from records.dependabot_alerts import DependabotAlert\n\n__all__ = [\n"
    models.write_text(models.read_text().replace("\n__all__ = [\n", f'{imported}    "DependabotAlert",\n'))
    sparse.write_text(sparse.read_text().replace("] = [\n", f"] = [\n{SPARSE.rstrip()},\n"))
    run(copy, "manage.py", "makemigrations", "records")
    for step in ("check --fix-only", "format", "check"):  # `make format`, and the lint of `make check`
        run(copy, "-m", "ruff", *step.split(), "handlers", "records", "schemas", "tests")
    run_tests(copy, *OF_ALL_EVENTS)
    assert list((copy / "records" / "migrations").glob("*_dependabotalert.py"))
