"""The recipes of `deploy/` run what the Procfile runs, and their programs accept them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import PROCFILE, ROOT, environment

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
CONTAINER = ROOT / "deploy" / "container"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(ANALYZE), *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """Return the units as they are where the checkout is the one under test."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/hookkeeper/.venv", str(ROOT / ".venv"))
        (tmp_path / unit.name.replace("@", "@1")).write_text(text.replace("/opt/hookkeeper", str(ROOT)))
    return [str(path) for path in sorted(tmp_path.glob("*.service"))]


@needs_systemd
@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="the units name .venv, which is elsewhere")
def test_systemd_accepts_every_unit(installed: list[str]) -> None:
    done = analyze("verify", "--man=no", *installed)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_a_unit_can_do_little_to_its_machine(installed: list[str]) -> None:
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", *installed)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        ("hookkeeper-migrate", "release"),
        ("hookkeeper-receiver", "web"),
        ("hookkeeper-worker@", "worker"),
        ("hookkeeper-console", "console"),
    ],
)
def test_a_unit_runs_the_procfiles_command(unit: str, line: str) -> None:
    text = (ROOT / "deploy" / "systemd" / f"{unit}.service").read_text()
    [command] = re.findall(r"^ExecStart=/opt/hookkeeper/\.venv/bin/(.*)$", text, re.M)
    # systemd knows no defaults in a command; the unit sets them.
    assert command == re.sub(r"\$\{(\w+):-(?:[^{}]|\$\(\(.*?\)\))+\}", r"${\1}", PROCFILE[line])


@pytest.mark.parametrize("line", list(PROCFILE))
def test_the_containers_start_runs_the_line_of_the_procfile(line: str, tmp_path: Path) -> None:
    for name in {command.split()[0] for command in PROCFILE.values()}:
        (tmp_path / name).write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    there = environment() | {"PATH": path, "PORT": "8000"}
    there.pop("CONSOLE_PORT", None)  # of whoever runs the tests
    done = subprocess.run(
        [CONTAINER / "start", line], env=there,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.split()
    assert said[:2] == PROCFILE[line].split()[:2]
    if line == "console":
        assert said[said.index("--port") + 1] == "8001"


def test_a_line_that_the_procfile_has_not_is_an_error() -> None:
    done = subprocess.run([CONTAINER / "start", "webb"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "hookkeeper: the Procfile has no line webb\n")
