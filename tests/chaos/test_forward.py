"""`manage.py forward --follow` across outages of both ends and its own death."""

import re
import signal
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.chaos import ledger, stored
from tests.chaos.postgresql import PostgreSQL
from tests.console.forwarding.targets import Target, serving


def store(url: str, count: int) -> list[str]:
    """Store pushes; return their guids."""
    ids = stored.store(url, [stored.Push(number) for number in range(count)])
    rows = ledger.execute(url, f"SELECT guid FROM receiver_delivery WHERE id >= {ids[0]} ORDER BY id")
    return [str(guid) for (guid,) in rows]


@pytest.mark.only("postgresql")
@pytest.mark.full
def test_following_skips_nothing_while_either_end_is_away_and_goes_on_by_id(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    target, log, port = Target(), tmp_path / "forward.log", processes.free_port()
    command = f"{sys.executable} manage.py forward --to http://127.0.0.1:{port}/ --secret whatever --follow"
    expected: list[str] = []

    def arrived() -> bool:
        return list(dict.fromkeys(target.guids)) == expected

    with processes.running(f"{command} --after 0", log, DATABASE_URL=postgresql.url) as running:
        expected += store(postgresql.url, 3)
        processes.wait_until(lambda: "not reached" in log.read_text(), "the target is away")
        with serving(target, port):
            processes.wait_until(arrived, "the first three are sent")
            postgresql.stop()
            processes.wait_until(
                lambda: "the database does not answer" in log.read_text(), "the database is away"
            )
            postgresql.start()
            expected += store(postgresql.url, 3)
            processes.wait_until(arrived, "those after the outage are sent")
        expected += store(postgresql.url, 3)
        running.send_signal(signal.SIGKILL)
        running.wait(processes.STOPS_WITHIN)
    [*_, last] = re.findall(r" id (\d+)$", log.read_text(), re.M)
    with (
        serving(target, port),
        processes.running(f"{command} --after {last}", log, DATABASE_URL=postgresql.url),
    ):
        processes.wait_until(arrived, "those during its death are sent")
