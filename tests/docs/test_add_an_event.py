"""The code of docs/how-to/add-an-event.md works as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT

PAGE = (ROOT / "docs" / "how-to" / "add-an-event.md").read_text()
FILES = dict(re.findall(r"`([\w/]+\.(?:py|json))`:\n\n```\w+\n(.*?)```", PAGE, re.S))
PARTS = [
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


def test_the_pages_own_test_passes_on_a_copy_with_its_files_added(tmp_path: Path) -> None:
    assert list(FILES) == [
        "schemas/dependabot_alert.py",
        "handlers/dependabot_alert.py",
        "tests/payloads/dependabot_alert__created.json",
        "tests/handlers/test_dependabot_alert.py",
    ]
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "settings.py", "manage.py", "Procfile"):
        shutil.copy(ROOT / name, tmp_path)
    for name, content in FILES.items():
        assert not (tmp_path / name).exists(), "three new files, and none that is there"
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/handlers/test_dependabot_alert.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
