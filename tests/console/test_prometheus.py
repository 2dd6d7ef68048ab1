"""Debian's Prometheus scrapes the console and loads the alert rules, as the pages say."""

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.console.conftest import Console

RULES = processes.ROOT / "docs" / "monitoring" / "alerts.yml"
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: hookkeeper
    static_configs: [{{targets: ["{target}"]}}]
"""


@pytest.mark.once
@pytest.mark.usefixtures("redis")
def test_prometheus_scrapes_the_console_and_evaluates_the_rules(console: Console, tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("needs Debian's package prometheus")
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG.format(rules=RULES, target=console.url.removeprefix("http://")))
    port = processes.free_port()
    log = tmp_path / "prometheus.log"

    def ask(path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as response:
                found: dict[str, Any] = json.load(response)["data"]
                return found
        except OSError:
            return {}

    def health() -> list[str]:
        return [target["health"] for target in ask("targets").get("activeTargets", [])]

    def rules() -> list[dict[str, Any]]:
        return [rule for group in ask("rules").get("groups", []) for rule in group["rules"]]

    command = (
        f"{prometheus} --config.file={config} --storage.tsdb.path={tmp_path / 'tsdb'} "
        f"--web.listen-address=127.0.0.1:{port}"
    )
    with processes.running(command, log):
        processes.wait_until(lambda: health() == ["up"], log.read_text() or "the console is scraped")
        processes.wait_until(
            lambda: {rule["health"] for rule in rules()} == {"ok"}, "the rules are evaluated", 30
        )
        assert len(rules()) == 11
        found = ask("query?query=hookkeeper_workers")["result"]
        assert [sample["value"][1] for sample in found] == ["0"]
