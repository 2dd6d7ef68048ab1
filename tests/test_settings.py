"""Settings: each wrong value is an error that names its variable, and no secret is ever told."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

import settings
from tests.processes import ROOT

SECRET = "Ga11eon"


def read(code: str = "import settings", **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("DEBUG", ""),
        ("PORT", ""),
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PORT", "0"),
        ("MAX_BODY_BYTES", "25 MB"),
        ("MAX_BODY_BYTES", "0"),
        ("DATABASE_URL", f"mysql://me:{SECRET}@host/db"),
        ("DATABASE_URL", f"postgresql://me:{SECRET}@host:port/db"),
        ("REDIS_URL", f"http://me:{SECRET}@host"),
        ("GITHUB_WEBHOOK_SECRET", ""),
        ("GITHUB_WEBHOOK_SECRET", f"{SECRET},"),
        ("GITHUB_WEBHOOK_SECRET", f",{SECRET}"),
        ("GITHUB_WEBHOOK_SECRET_ACME", " "),
        ("GITHUB_WEBHOOK_SECRET_FILE", "/nowhere/at/all"),
        ("GITHUB_WEBHOOK_SECRET_FILE", "/dev/null"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_variable(name: str, value: str) -> None:
    told = read(**{name: value})
    assert told.returncode == 1
    assert name in told.stderr.splitlines()[-1]
    assert SECRET not in told.stderr


def test_a_wrong_value_is_one_line_on_the_command_line() -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PORT": "eighty"},
    )  # fmt: skip
    assert told.returncode == 1
    assert len(told.stderr.splitlines()) == 1
    assert "PORT" in told.stderr


@pytest.mark.parametrize("module", ["receiver.asgi"])
def test_without_a_secret_the_receiver_does_not_start(module: str) -> None:
    told = read(f"import {module}")
    assert told.returncode == 1
    assert "GITHUB_WEBHOOK_SECRET is not set" in told.stderr


def test_the_defaults_are_closed() -> None:
    told = read(
        "import settings as s; print(s.DEBUG, s.WEBHOOK_SECRETS, repr(s.SECRET_KEY), s.ALLOWED_HOSTS, s.PORT)"
    )
    assert told.stdout == "False {} '' ['localhost', '127.0.0.1', '[::1]'] 8000\n"


def test_an_empty_url_or_folder_counts_as_unset() -> None:
    code = "import settings as s; print(s.DATA, s.REDIS_URL, s.DATABASES['default']['NAME'])"
    empty = {"HOOKKEEPER_DATA": "", "REDIS_URL": "", "DATABASE_URL": ""}
    assert read(code, **empty).stdout == read(code).stdout != ""


def test_secrets_are_split_for_rotation_and_kept_apart_by_source(tmp_path: Path) -> None:
    (tmp_path / "default").write_text("new\nold\n")
    (tmp_path / "acme").write_text("its own , another\n")
    found = settings.webhook_secrets(
        {
            "GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "default"),
            "GITHUB_WEBHOOK_SECRET_ACME_WEB_FILE": str(tmp_path / "acme"),
            "GITHUB_WEBHOOK_SECRET_OTHER": "plain, second",
            "GITHUB_WEBHOOK_SECRETARY": "not ours",
        }
    )
    assert found == {
        "": (b"new", b"old"),
        "acme_web": (b"its own", b"another"),
        "other": (b"plain", b"second"),
    }


def test_a_secret_that_is_set_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("one")
    with pytest.raises(ImproperlyConfigured, match="set twice"):
        settings.webhook_secrets(
            {"GITHUB_WEBHOOK_SECRET": "two", "GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}
        )


def test_every_variable_that_is_read_is_documented() -> None:
    source = (ROOT / "settings.py").read_text()
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    assert {"DEBUG", "DATABASE_URL", "REDIS_URL", "PORT", "HOOKKEEPER_DATA"} <= names
    names |= {
        "GITHUB_WEBHOOK_SECRET",
        "GITHUB_WEBHOOK_SECRET_FILE",
        "GITHUB_WEBHOOK_SECRET_<SOURCE>",
        "UVICORN_HOST",
    }
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_settings_are_read_in_one_place() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("receiver", "processing", "handlers", "records", "schemas", "console")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ\b(?!\.setdefault)|getenv", path.read_text())
    }
    assert readers == set()
