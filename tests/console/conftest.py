"""A real console process on the run's database, with one account for each role."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import processes
from tests.console.forwarding.targets import Target, serving
from tests.console.visitors import KEY, PASSWORD, Visitor

FORWARD_SECRET = "the secret of the laptop"
# Of each console to which somebody signs in with a password.
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.console.settings", "SECRET_KEY": KEY}
ACCOUNTS = f"""
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone
call_command("migrate", interactive=False, verbosity=0)
for name in ("viewer", "operator", "someone"):
    User.objects.create_user(name, password={PASSWORD!r})
User.objects.get(username="operator").groups.add(Group.objects.get(name="operator"))
User.objects.create_superuser("admin", password={PASSWORD!r})
from api.tokens import create
create("of the pages", "read")
later = timezone.now() + timedelta(days=1)
print(create("reader", "read", limit=10**6), create("operator", "operate", limit=10**6))
print(create("to expire", "read", expires_at=later), create("to be revoked", "read"))
print(create("of two requests", "read", limit=2))
"""


@dataclass(frozen=True)
class Console:
    """The console, and a signed-in visitor for each role."""

    url: str
    viewer: Visitor
    operator: Visitor
    admin: Visitor
    log: Path

    def stranger(self) -> Visitor:
        return Visitor(self.url)


def manage(*arguments: str, **environment: str) -> str:
    """Run a command; return its output."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=processes.ROOT, capture_output=True, text=True,
        env=processes.environment(**environment), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def tokens(database_url: str) -> list[str]:
    """Create the console's tables, accounts and tokens; return the tokens of `Programs`."""
    return manage("shell", "--no-imports", "-c", ACCOUNTS, DATABASE_URL=database_url, **SETTINGS).split()


@pytest.fixture(scope="session")
def accounts(database_url: str, tokens: list[str]) -> str:
    """Return the URL of the run's database, with the console's tables and accounts."""
    return database_url


@pytest.fixture(scope="session")
def allowed_target() -> Iterator[Target]:
    """A server that the console may forward to."""
    target = Target()
    with serving(target):
        yield target


@pytest.fixture(scope="session")
def running_console(
    accounts: str, allowed_target: Target, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    environment = {
        **SETTINGS,
        "DATABASE_URL": accounts,
        "FORWARD_URLS": f"{allowed_target.url},http://169.254.169.254/latest/,http://localhost/{'long' * 30}",
        "FORWARD_SECRET": FORWARD_SECRET,
        # Nothing listens there: the pages ask GitHub for nothing.
        "GITHUB_TOKEN": "github_pat_of_the_tests",
        "GITHUB_API_URL": "http://127.0.0.1:1",
    }
    with processes.console(folder / "console.log", **environment) as url:
        visitors = {name: Visitor(url) for name in ("viewer", "operator", "admin")}
        for name, visitor in visitors.items():
            assert visitor.sign_in(name).status == 200, (folder / "console.log").read_text()
        yield Console(url, **visitors, log=folder / "console.log")
        log = (folder / "console.log").read_text()
    assert "Internal Server Error" not in log, log


@pytest.fixture(scope="session")
def other_console_url(accounts: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a console without a credential for GitHub, behind a proxy that may sign in."""
    environment = {**SETTINGS, "DATABASE_URL": accounts, "CONSOLE_REMOTE_USER_HEADER": "X-Forwarded-User"}
    with processes.console(tmp_path_factory.mktemp("other") / "console.log", **environment) as url:
        yield url


@pytest.fixture
def console(transactional_db: None, running_console: Console) -> Console:
    """Return the console, with an empty ledger."""
    return running_console
