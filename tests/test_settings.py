"""Settings: each wrong value is an error that names its variable and shows no secret."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from configuration import github
from configuration.secrets import webhook_secrets
from tests import servers
from tests.fake_github import private_key
from tests.processes import PROCFILE, ROOT, free_port

SECRET = "Ga11eon-and-Cannon"


def read(
    code: str = "import settings", folder: Path = ROOT, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


WRONG = [
    ("DEBUG", "perhaps"),
    ("DEBUG", ""),
    ("PORT", ""),
    ("PORT", "eighty"),
    ("PORT", "70000"),
    ("PORT", "0"),
    ("WEB_CONCURRENCY", ""),
    ("WEB_CONCURRENCY", "two"),
    ("WEB_CONCURRENCY", "0"),
    ("FORWARDED_ALLOW_IPS", "nginx"),
    ("FORWARDED_ALLOW_IPS", "10.0.0.1/8"),
    ("FORWARDED_ALLOW_IPS", "127.0.0.1,*"),
    ("MAX_BODY_BYTES", "25 MB"),
    ("MAX_BODY_BYTES", "0"),
    ("MAX_BODY_BYTES", "1" + 12 * "0"),
    ("LOG_FORMAT", "xml"),
    ("WORKER_GRACE", "nan"),
    ("WORKER_GRACE", "inf"),
    ("WORKER_GRACE", "-1"),
    ("WORKER_GRACE", "1e12"),
    ("ALLOWED_HOSTS", f"https://{SECRET}.example"),
    ("ALLOWED_HOSTS", "example.org:8000"),
    ("ALLOWED_HOSTS", "example.org,,example.com"),
    ("HOOKKEEPER_DATA", "/dev/null"),
    ("HOOKKEEPER_DATA", f"/dev/null/{SECRET}"),
    ("HOOKKEEPER_DATA", "/tmp/" + 300 * "x"),  # noqa: S108 - longer than a name may be
    ("HOOKKEEPER_DATA", "/tmp/\udcff"),  # noqa: S108
    ("DATABASE_URL", f"mysql://me:{SECRET}@host/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host:port/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host:70000/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@one:5432,two:0/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@[::1/db"),
    ("DATABASE_URL", f"postgresql://me:x@{SECRET}@host/db"),
    ("DATABASE_URL", f"postgresql://me:x@{SECRET}/y@host/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}%zz@host/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}%ff@host/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}\udcff@host/db"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/{64 * 'x'}"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?nonsense=1"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?sslmode={SECRET}"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?target_session_attrs={SECRET}"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?connect_timeout={SECRET}"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?keepalives=maybe"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?sslnegotiation=direct"),
    ("DATABASE_URL", f"postgresql://me:{SECRET}@host/db?service={SECRET}"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///:memory:?cache=shared"),
    ("DATABASE_URL", "sqlite:////tmp"),
    ("DATABASE_URL", "sqlite:////tmp/%00"),
    ("DATABASE_URL", "sqlite:////dev/null"),
    ("DATABASE_URL", "sqlite:////dev/null/file"),
    ("DATABASE_URL", "sqlite:////tmp/file?nonsense=1"),
    ("GITHUB_API_URL", "api.github.com"),
    ("GITHUB_API_URL", f"https://me:{SECRET}@github.example.com/api/v3"),
    ("GITHUB_API_URL", "http://github.example.com/api/v3"),
    ("GITHUB_API_URL", "https://github.example.com:port/api/v3"),
    ("GITHUB_API_URL", f"https://github.example.com/api/v3?token={SECRET}"),
    ("GITHUB_TOKEN", f"{SECRET} {SECRET}"),
    ("GITHUB_TOKEN", f"{SECRET}\udcff"),
    ("GITHUB_TOKEN_FILE", "/nowhere/at/all"),
    ("GITHUB_APP_ID", "4711"),
    ("GITHUB_APP_PRIVATE_KEY", SECRET),
    ("GITHUB_APP_PRIVATE_KEY_FILE", "/nowhere/at/all"),
    ("RECOVER_EVERY", "ten minutes"),
    ("RECOVER_EVERY", "-1"),
    ("RECOVER_EVERY", "nan"),
    ("RECOVER_EVERY", "86401"),
    ("KEEP_BODIES", "-1"),
    ("KEEP_DELIVERIES", "nan"),
    ("KEEP_KEYS", "0.001"),
    ("REDIS_URL", f"http://me:{SECRET}@host"),
    ("REDIS_URL", f"redis://:{SECRET}@host?nonsense=1"),
    ("REDIS_URL", f"redis://:{SECRET}@host:notaport"),
    ("REDIS_URL", f"redis://:{SECRET}@host:70000"),
    ("REDIS_URL", f"redis://:{SECRET}@host:0"),
    ("REDIS_URL", f"redis://:{SECRET}@host/notadb"),
    ("REDIS_URL", f"redis://:{SECRET}@host/0/1"),
    ("REDIS_URL", f"redis://:{SECRET}@host/-1"),
    ("REDIS_URL", f"redis://:{SECRET}@host?db=x"),
    ("REDIS_URL", f"redis://:{SECRET}@host?decode_responses=true"),
    ("REDIS_URL", f"redis://:{SECRET}@host?ssl_cert_reqs=none"),
    ("REDIS_URL", f"redis://:{SECRET}\udcff@host"),
    ("REDIS_URL", f"redis://:a#{SECRET}@host"),
    ("REDIS_URL", f"redis://host/0#{SECRET}"),
    ("REDIS_URL", f"rediss://:{SECRET}@host?ssl_cert_reqs=nonsense"),
    ("REDIS_URL", "unix://"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host/"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@one,two:0/main"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@one,,two/main"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host:notaport/main"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host/main/notadb"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host/main/0/1"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host/main?nonsense=1"),
    ("REDIS_URL", f"redis+sentinel://:{SECRET}@host/main?ssl_cert_reqs=none"),
    ("REDIS_URL", f"redis+sentinel://host/main#{SECRET}"),
    ("REDIS_URL", f"redis://:{SECRET}@host?sentinel_password=1"),
    ("REDIS_URL", "unix:///tmp/redis.sock?db=x"),
    ("GITHUB_WEBHOOK_SECRET", ""),
    ("GITHUB_WEBHOOK_SECRET", f"{SECRET},"),
    ("GITHUB_WEBHOOK_SECRET", f",{SECRET}"),
    ("GITHUB_WEBHOOK_SECRET", "x"),
    ("GITHUB_WEBHOOK_SECRET", f"{SECRET},5char"),
    ("GITHUB_WEBHOOK_SECRET", f"{SECRET}\x07"),
    ("GITHUB_WEBHOOK_SECRET", f"{SECRET}\udcff"),
    ("GITHUB_WEBHOOK_SECRET_ACME", " "),
    ("GITHUB_WEBHOOK_SECRET_FILE", ""),
    ("GITHUB_WEBHOOK_SECRET_FILE", "/nowhere/at/all"),
    ("GITHUB_WEBHOOK_SECRET_FILE", "/dev/null"),
    ("GITHUB_WEBHOOK_SECRET_acme", SECRET),
    ("GITHUB_WEBHOOK_SECRET_ACME-WEB", SECRET),
    ("GITHUB_WEBHOOK_SECRET-ACME", SECRET),
    ("GITHUB_WEBHOOK_SECRET_ACME.WEB", SECRET),
    ("GITHUB_WEBHOOK_SECRET_ACME_file", SECRET),
    ("GITHUB_WEBHOOK_SECRET_", SECRET),
    ("GITHUB_WEBHOOK_SECRET__FILE", SECRET),
    ("GITHUB_WEBHOOK_SECRET__ACME", SECRET),
    (f"GITHUB_WEBHOOK_SECRET_{65 * 'X'}", SECRET),  # longer than a source of a path may be
    ("GITHUB_WEBHOOK_SECRETS", SECRET),
    ("GITHUB_WEBHOOK_SECRETS_ACME", SECRET),
    ("GITHUB_WEBHOOKS_SECRET", SECRET),
    ("GITHUB_WEBHOOK_ACME_SECRET", SECRET),
    ("GITHUB_WEBHOOK_SECRETACME", SECRET),
    ("GITHUB_WEBHOOK_SECRETARY", SECRET),
    ("Github_Webhook_Secret", SECRET),
    ("github-webhook-secret", SECRET),
    ("FORWARD_URLS", "http://a.example/,ftp://b.example/"),
    ("FORWARD_URLS", f"http://me:{SECRET}@a.example/"),
    ("FORWARD_SECRET", ""),
    ("CONSOLE_REMOTE_USER_HEADER", "two words"),
]

UNSET = dict.fromkeys(
    [
        "HOOKKEEPER_DATA", "REDIS_URL", "DATABASE_URL", "GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_TOKEN_FILE",
        "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY",
    ],
    "",
)  # fmt: skip
FROM_WINDOWS = {
    "HOOKKEEPER_DATA": f"{servers.folder} \r",
    "ALLOWED_HOSTS": "a.example, b.example\r",
    "GITHUB_TOKEN": "ghp_one\r",
    "FORWARD_SECRET": f" {SECRET}\r",
    "FORWARD_URLS": "https://a.example/x\r",
    "REDIS_URL": "redis://a.example/1 ",
    "DATABASE_URL": "postgresql://me@a.example/db\r",
    "GITHUB_API_URL": "https://a.example/api/v3\r",
}
# One process reads many environments, because each program takes half a second to start. The console reads
# all settings.
READER = """
import importlib, json, os, sys
plain = dict(os.environ)
for environment in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update({**plain, **environment})
    for module in ("settings", "console.settings"):
        sys.modules.pop(module, None)
    try:
        read = importlib.import_module("console.settings")
    except SystemExit as stopped:
        assert stopped.code == 1
    else:
        print(json.dumps({name: str(value) for name, value in vars(read).items() if name.isupper()}))
        print(file=sys.stderr)
"""


@pytest.fixture(scope="module")
def reading() -> "subprocess.CompletedProcess[str]":
    """Return a line of errors for each environment, or an empty one and on stdout a line with the values."""
    environments = [*({name: value} for name, value in WRONG), {}, UNSET, FROM_WINDOWS]
    return subprocess.run(
        [sys.executable, "-c", READER], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        env={"PATH": os.environ["PATH"]}, input=json.dumps(environments),
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(reading: "subprocess.CompletedProcess[str]") -> dict[tuple[str, str], str]:
    """Return the line with which each wrong value ends the program, or an empty one."""
    return dict(zip(WRONG, reading.stderr.splitlines()[:-3], strict=True))


@pytest.fixture(scope="module")
def values(reading: "subprocess.CompletedProcess[str]") -> list[dict[str, str]]:
    """Return the values without any setting, with `UNSET`, and with `FROM_WINDOWS`."""
    assert reading.stderr.endswith("\n" * 3)
    return [json.loads(line) for line in reading.stdout.splitlines()[-3:]]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_the_start_with_a_line_that_names_the_variable(
    name: str, value: str, told: dict[tuple[str, str], str]
) -> None:
    line = told[name, value]
    assert line.startswith("hookkeeper: ")
    assert name in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DEBUG", "perhaps", "true or false, not 'perhaps'"),
        ("PORT", "eighty", "a whole number from 1 to 65535, not 'eighty'"),
        ("PORT", "70000", "a whole number from 1 to 65535, not 70000"),
        ("WORKER_GRACE", "nan", "a number above 0, and at most 86400, not NaN or infinity"),
        ("KEEP_KEYS", "0.001", "0, which keeps for ever, or 0.01 to 36500 days, not 0.001"),
        ("CONSOLE_REMOTE_USER_HEADER", "two words", "the name of a header"),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_allowed(
    name: str, value: str, allowed: str, told: dict[tuple[str, str], str]
) -> None:
    assert told[name, value] == f"hookkeeper: {name} must be {allowed}."


def start(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run an entry point in an environment without other variables of Hookkeeper."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": path, "PORT": str(free_port()), **environment},
    )  # fmt: skip


# All read their settings in one place, whose errors are tested above; each has one of them here.
ENTRY_POINTS = [
    ("python -m dev", "HOOKKEEPER_DATA", "/dev/null"),
    ("python manage.py migrate --no-input", "GITHUB_WEBHOOK_SECRETS_ACME", SECRET),
    ("uvicorn console.asgi:application", "MAX_BODY_BYTES", "25 MB"),
    ("arq worker.WorkerSettings", "REDIS_URL", f"redis://:{SECRET}@host?nonsense=1"),
]


@pytest.mark.parametrize(("command", "name", "value"), ENTRY_POINTS, ids=lambda value: value)
def test_every_entry_point_ends_with_one_line_and_no_traceback(command: str, name: str, value: str) -> None:
    ended = start(command, **{name: value})
    assert ended.returncode == 1
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("hookkeeper: ")
    assert name in line
    assert SECRET not in line


def test_the_receivers_line_names_a_wrong_number_of_processes_without_a_traceback() -> None:
    line = shlex.join(["sh", "-c", f"exec {PROCFILE['web']}"])
    ended = start(line, WEB_CONCURRENCY="two", GITHUB_WEBHOOK_SECRET=SECRET)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "Invalid value for '--workers': 'two'" in ended.stderr


def test_without_a_secret_the_receiver_ends_with_one_line_and_no_traceback() -> None:
    ended = start("uvicorn receiver.asgi:application")
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("hookkeeper: GITHUB_WEBHOOK_SECRET is not set")


def test_several_processes_of_uvicorn_end_with_that_line_instead_of_starting_for_ever() -> None:
    ended = start("uvicorn receiver.asgi:application --no-use-colors", WEB_CONCURRENCY="2")
    assert "Traceback" not in ended.stderr
    assert "GITHUB_WEBHOOK_SECRET is not set" in ended.stderr
    assert ended.stderr.count("hookkeeper: ") <= 4


def test_a_data_folder_without_permission_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    # Root may write anywhere, so another user makes the check.
    code = (
        "import os, sys; from configuration import folders, stopping; from pathlib import Path\n"
        "os.geteuid() or os.setuid(65534)\n"
        "with stopping.stop_if_wrong(): folders.usable(Path(sys.argv[1]) / 'var', 'HOOKKEEPER_DATA')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"]},  # without coverage, which would write as that user
    )  # fmt: skip
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert "HOOKKEEPER_DATA" in line


def test_with_both_urls_set_the_default_folder_need_not_be_usable(tmp_path: Path) -> None:
    for name in ("settings.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "configuration", tmp_path / "configuration")
    (tmp_path / "var").write_text("a file")
    url = "postgresql://host/db"
    assert read(folder=tmp_path, REDIS_URL="redis://localhost", DATABASE_URL=url).returncode == 0
    assert "HOOKKEEPER_DATA" in read(folder=tmp_path).stderr


def test_the_defaults_are_closed(values: list[dict[str, str]]) -> None:
    defaults, *_ = values
    names = ("DEBUG", "WEBHOOK_SECRETS", "SECRET_KEY", "ALLOWED_HOSTS", "PORT")
    assert [defaults[name] for name in names] == [
        "False", "{}", "", "['localhost', '127.0.0.1', '[::1]']", "8000",
    ]  # fmt: skip


def test_an_empty_url_folder_or_credential_counts_as_unset(values: list[dict[str, str]]) -> None:
    defaults, unset, _ = values
    assert unset == defaults
    names = ("GITHUB_TOKEN", "GITHUB_APP_ID", "RECOVER_EVERY")
    assert [unset[name] for name in names] == ["", "", "600.0"]


def test_secrets_are_split_for_rotation_and_kept_apart_by_source(tmp_path: Path) -> None:
    (tmp_path / "default").write_text("the new one\nthe old one\n")
    (tmp_path / "acme").write_text("its own one , another one\n")
    found = webhook_secrets(
        {
            "GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "default"),
            "GITHUB_WEBHOOK_SECRET_ACME_WEB_FILE": str(tmp_path / "acme"),
            "GITHUB_WEBHOOK_SECRET_OTHER": "a plain one, a second one",
            "ANOTHERS_GITHUB_WEBHOOK_SECRET": "not ours",
            "GITHUB_TOKEN": "not ours",
        }
    )
    assert found == {
        "": (b"the new one", b"the old one"),
        "acme_web": (b"its own one", b"another one"),
        "other": (b"a plain one", b"a second one"),
    }


@pytest.mark.parametrize("written", [b"\xef\xbb\xbfthe secret", b"the secret\r\n", b"\n the secret \n\n"])
def test_what_an_editor_adds_to_a_file_is_no_part_of_the_secret(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(written)
    assert webhook_secrets({"GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}) == {"": (b"the secret",)}


@pytest.mark.parametrize(
    "written",
    ["the secret".encode("utf-16"), "the secret".encode("utf-16-le"), "the s\xe9cret".encode("latin-1")],
)
def test_a_file_that_is_not_utf_8_text_is_an_error(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(written)
    with pytest.raises(ImproperlyConfigured, match=r"^GITHUB_WEBHOOK_SECRET_FILE.*UTF-8 text\.$"):
        webhook_secrets({"GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")})


def test_the_private_key_of_an_app_is_checked_and_may_be_one_line() -> None:
    key = private_key()
    assert github.app("4711", key.replace("\n", "\\n")) == ("4711", key)
    wrong = [("4711", key[: len(key) // 2]), ("4711", SECRET), ("4711", ""), ("", key), ("47 11", key)]
    for app_id, text in wrong:
        with pytest.raises(ImproperlyConfigured, match="GITHUB_APP_") as caught:
            github.app(app_id, text)
        assert not text or text not in str(caught.value)


def test_a_secret_that_is_set_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the first one")
    with pytest.raises(ImproperlyConfigured, match="set twice"):
        webhook_secrets(
            {
                "GITHUB_WEBHOOK_SECRET": "the second one",
                "GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "secret"),
            }
        )


def test_the_error_for_a_misnamed_secret_suggests_the_right_name() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"did you mean GITHUB_WEBHOOK_SECRET_ACME_WEB\?"):
        webhook_secrets({"GITHUB_WEBHOOK_SECRET_acme-web": SECRET})


def test_settings_are_read_in_one_place() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in (
            "configuration",
            "receiver",
            "processing",
            "handlers",
            "records",
            "schemas",
            "console",
            "upstream",
        )
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ\b(?!\.setdefault)|getenv", path.read_text())
    }
    assert readers == set()


def test_the_line_ends_of_a_file_from_windows_and_spaces_are_no_part_of_a_value(
    values: list[dict[str, str]],
) -> None:
    *_, from_windows = values
    assert "'NAME': 'db'" in from_windows["DATABASES"]
    names = [name for name in FROM_WINDOWS if name not in {"HOOKKEEPER_DATA", "DATABASE_URL"}]
    assert [from_windows[name] for name in ("DATA", *names)] == [
        str(servers.folder), "['a.example', 'b.example']", "ghp_one", SECRET, "['https://a.example/x']",
        "redis://a.example/1", "https://a.example/api/v3",
    ]  # fmt: skip
