"""The doctor while PostgreSQL is away."""

from pathlib import Path

import pytest

from tests import processes
from tests.console.doctor.test_checks import away


@pytest.mark.full
@pytest.mark.once
def test_a_postgresql_that_is_away_is_a_finding_without_its_password(tmp_path: Path) -> None:
    findings = away(f"postgresql://who:hidden@127.0.0.1:{processes.free_port()}/none", tmp_path)
    assert "does not answer" in findings["database"]["seen"]
    assert "hidden" not in str(findings)
