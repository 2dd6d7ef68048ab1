"""A PostgreSQL that listens on TCP, also with TLS, with the role that the docs tell operators to create."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests import processes, servers
from tests.chaos import ledger

DEPLOY = processes.ROOT / "docs" / "how-to" / "deploy.md"
PASSWORD = "a password of the tests"
# Debian's server has TLS; the wheel's has not.
DEBIANS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def statements() -> list[str]:
    """Return the statements of the docs that create the role, the database and the schema."""
    [block] = re.findall(r"```sql\n(CREATE ROLE .*?)```", DEPLOY.read_text(), re.S)
    text = re.sub(r"(?m)--.*$|^\\.*$", "", block).replace("PASSWORD '…'", f"PASSWORD '{PASSWORD}'")
    return [" ".join(line.split()) for line in text.split(";") if line.strip()]


def create_role(superuser: str) -> str:
    """Run the statements of the docs on the server of this URL; return the new role's URL of its database."""
    for statement in statements():
        whole = statement.startswith(("CREATE ROLE", "CREATE DATABASE"))
        ledger.execute(superuser, statement, on=None if whole else "hookkeeper")
    own = ledger.named(superuser, "hookkeeper")
    return re.sub("//[^@/]*@", f"//hookkeeper:{PASSWORD.replace(' ', '%20')}@", own)


class Server:
    """A server in a folder of its own. It runs as a user who is not root."""

    def __init__(self, folder: Path, programs: Path, user: str | None, port: int = 5432) -> None:
        self.folder, self.port = folder, port
        self._programs, self._user = programs, user

    @classmethod
    def of_the_wheel(cls) -> Self:
        """Return a running server of the wheel; it does not wait for the disk."""
        folder = Path(tempfile.mkdtemp(prefix="tcp-", dir=servers.folder))
        started = servers.start_postgresql(folder / "data")
        if started.system_user:
            shutil.chown(folder, started.system_user)
        return cls(folder, started.bin_path, started.system_user)

    @classmethod
    def of_debian(cls) -> Self:
        """Return a server of Debian's newest version, which `restart` starts."""
        folder = Path(tempfile.mkdtemp(prefix="hk-"))
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        made = cls(folder, DEBIANS[-1].parent, user, processes.free_port())
        made._run("initdb", "--no-sync", "--auth=trust", "--username=postgres")
        return made

    @property
    def superuser(self) -> str:
        """Return the superuser's URL, through the socket."""
        return f"postgresql://postgres@/postgres?host={self.folder}&port={self.port}"

    def configure(self, settings: Sequence[str], rules: Sequence[str]) -> None:
        """Add settings, and let in by these rules alone who does not come through the socket."""
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in settings)
        (self.folder / "data" / "pg_hba.conf").write_text("\n".join(["local all all trust", *rules, ""]))

    def copy(self, path: Path) -> Path:
        """Copy a file to where the server may read it and nobody else; return the new path."""
        target = Path(shutil.copy(path, self.folder))
        if self._user:
            shutil.chown(target, self._user)
        target.chmod(0o600)
        return target

    def restart(self) -> None:
        """End all connections without a checkpoint, if it runs, and start it."""
        addresses = f'-h "*" -p {self.port} -k {self.folder}'
        self._run(
            "pg_ctl", "-w", "-m", "immediate", "-l", str(self.folder / "log"), "-o", addresses, "restart"
        )

    def end(self) -> None:
        """Stop it for good."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / "control.log").open("ab") as output:
            done = subprocess.run(
                [str(self._programs / program), "-D", str(self.folder / "data"), *arguments],
                user=self._user, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                check=False, timeout=120,
            )  # fmt: skip
        assert done.returncode == 0, (self.folder / "control.log").read_text()
