"""Run Debian's pgbouncer in transaction mode in front of the run's PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests import processes

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")

SETTINGS = """
[databases]
* = host={host} user=postgres
[pgbouncer]
unix_socket_dir = {folder}
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
user = {user}
"""


@contextmanager
def pooling(url: str) -> Iterator[str]:
    """Run a pgbouncer that shares a few server connections; yield the URL of the same database through it."""
    there = urlsplit(url)
    folder = Path(tempfile.mkdtemp(prefix="pgb-"))
    folder.chmod(0o777)  # pgbouncer does not run as root
    port = processes.free_port()
    host = Path(parse_qs(there.query)["host"][0])
    user = host.owner() if os.geteuid() == 0 else ""
    text = SETTINGS.format(host=host, folder=folder, port=port, user=user)
    (folder / "pgbouncer.ini").write_text(text if user else text.replace("user = \n", ""))
    (folder / "pgbouncer.ini").chmod(0o644)
    process = subprocess.Popen(
        [str(PROGRAM), "-q", str(folder / "pgbouncer.ini")],
        stderr=subprocess.STDOUT,
        stdout=subprocess.DEVNULL,
    )
    try:
        processes.wait_until((folder / f".s.PGSQL.{port}").exists, "the pooler listens")
        yield f"postgresql://postgres@/{there.path[1:]}?host={folder}&port={port}"
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
