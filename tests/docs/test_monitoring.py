"""The dashboard and the alert rules name only metrics, labels and values that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from receiver.models import Reason

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "monitoring"
PAGE = (ROOT / "docs" / "reference" / "metrics.md").read_text()
SUFFIXES = re.compile(r"_(?:bucket|count|sum)$")


def expressions() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    rules = re.findall(r"^ +expr: (.+)$", (FOLDER / "alerts.yml").read_text(), re.M)
    return [*rules, *(target["expr"] for panel in panels for target in panel["targets"])]


def test_every_metric_in_an_expression_exists() -> None:
    documented = set(re.findall(r"^\| `(hookkeeper_\w+)`", PAGE, re.M))
    used = {SUFFIXES.sub("", name) for text in expressions() for name in re.findall(r"hookkeeper_\w+", text)}
    assert used - {name.removesuffix("_count") for name in documented} == set()
    assert documented - used == set(), "a metric that nobody looks at"


def test_every_reason_in_an_alert_exists() -> None:
    values = re.findall(r'reason=~?"([^"]+)"', " ".join(expressions()))
    assert {reason for value in values for reason in value.split("|")} <= set(Reason.values)


def promtool(*arguments: str) -> str:
    """Return what promtool prints."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool, of Debian's package prometheus")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_loads_the_rules() -> None:
    assert "11 rules found" in promtool("check", "rules", str(FOLDER / "alerts.yml"))


def test_each_alert_fires_for_its_fault_and_for_nothing_else() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(Path(__file__).with_name("alerts_test.yml")))
