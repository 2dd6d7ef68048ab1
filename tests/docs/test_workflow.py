"""The workflow of GitHub Actions runs what the Makefile has, on every supported Python and database."""

import re

import yaml

from tests.processes import ROOT

TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
JOBS = yaml.safe_load(TEXT)["jobs"]


def test_it_runs_the_suite_on_every_supported_python_and_both_databases() -> None:
    assert JOBS["test"]["strategy"]["matrix"] == {
        "python": ["3.11", "3.12", "3.13", "3.14"],
        "database": ["sqlite", "postgresql"],
    }


def test_each_of_its_commands_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    steps = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    commands = [step.removeprefix("make ") for step in steps if step.startswith("make ")]
    assert {"check", "coverage", "test-${{ matrix.database }}"} == set(commands)
    assert {"check", "coverage", "test-sqlite", "test-postgresql"} <= targets


def test_each_action_is_pinned_to_a_commit() -> None:
    actions = re.findall(r"uses: (\S+)", TEXT)
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
