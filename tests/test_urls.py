"""The URLs of PostgreSQL, SQLite, Redis and GitHub's API, as the settings read them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import settings
from configuration import github, redis_pools, urls
from tests.test_settings import read


def test_the_url_of_the_api_has_no_slash_at_its_end() -> None:
    assert github.api_url("") == "https://api.github.com"
    assert github.api_url("https://github.example.com/api/v3/") == "https://github.example.com/api/v3"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("HTTPS://API.GitHub.com/", "https://api.github.com"),
        ("https://api.github.com:443", "https://api.github.com"),
        ("https://api.Octo.GHE.com:/", "https://api.octo.ghe.com"),
        ("https://GHE.example:8443/api/V3", "https://ghe.example:8443/api/V3"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
    ],
)
def test_the_api_is_the_same_in_any_case_and_with_its_usual_port(written: str, url: str) -> None:
    assert github.api_url(written) == url


def test_several_hosts_of_postgresql_are_taken_with_their_ports_and_options() -> None:
    found = settings.database(
        "postgresql://me:p%40ss@one:5432,[::1]:5433/db?target_session_attrs=read-write&sslmode=require"
    )
    assert (found["HOST"], found["PORT"]) == ("one,::1", "5432,5433")
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("me", "p@ss", "db")
    assert found["OPTIONS"]["target_session_attrs"] == "read-write"
    assert found["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(
    ("url", "host", "option"),
    [
        ("postgresql://me@one/db", "one", None),
        ("postgresql://one/db", "one", None),
        ("postgresql://me:pass@[::1]:5432/db", "::1", None),
        ("postgresql://me:p#?@one/db", "one", None),
        ("postgresql:///db", "", None),
        ("postgresql:///db?host=/run/postgresql", "", "/run/postgresql"),
        ("postgresql://me:pass@/db?host=/run/postgresql", "", "/run/postgresql"),
    ],
)
def test_the_host_of_postgresql_is_where_the_url_has_it(url: str, host: str, option: str | None) -> None:
    found = settings.database(url)
    assert (found["HOST"], found["OPTIONS"].get("host")) == (host, option)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:p%40ss@localhost:6380/3",
        "redis://[::1]:6379/0",
        "rediss://me:pass@host/0?ssl_cert_reqs=none&health_check_interval=30",
        "unix:///run/redis.sock?db=1",
        "redis+sentinel://one,two:26380,[::1]:26379/main",
        "rediss+sentinel://me:p%40ss@one/main/3?sentinel_password=x&ssl_cert_reqs=required&client_name=us",
    ],
)
def test_a_url_of_redis_is_taken_as_it_is(url: str) -> None:
    assert urls.redis(url) == url


def test_a_url_of_sentinels_names_them_the_service_and_how_its_primary_is_reached() -> None:
    found = redis_pools.sentinels(
        "rediss+sentinel://me:p%40ss@one,[::1]:26380/the%20main/3?sentinel_password=x&client_name=us"
    )
    assert found is not None
    assert (found.addresses, found.service) == ((("one", 26379), ("::1", 26380)), "the main")
    parameters = redis_pools.synchronous(
        "rediss+sentinel://me:p%40ss@one/main/3?client_name=us"
    ).connection_kwargs
    assert {name: parameters[name] for name in ("username", "password", "db", "client_name")} == {
        "username": "me", "password": "p@ss", "db": 3, "client_name": "us",
    }  # fmt: skip
    assert found.options == {"sentinel_password": "x"}


def test_the_cache_takes_the_url_of_redis_whole() -> None:
    code = (
        "import settings as s; from django.core.cache.backends.redis import RedisCache\n"
        "print(*RedisCache(s.CACHES['default']['LOCATION'], {})._servers)"
    )
    url = "redis+sentinel://:a%2Cb;c@one,two/main"
    assert read(code, REDIS_URL=url).stdout.split() == [url]


def test_a_new_file_of_sqlite_has_pages_of_8_kib(tmp_path: Path) -> None:
    config = settings.database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    with closing(sqlite3.connect(config["NAME"])) as lite:
        lite.executescript(config["OPTIONS"]["init_command"])
        lite.execute("CREATE TABLE any_table (id integer)")
        found = [lite.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "journal_mode")]
    assert found == [8192, "wal"]


def test_an_older_file_of_sqlite_keeps_its_pages(tmp_path: Path) -> None:
    config = settings.database(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    with closing(sqlite3.connect(config["NAME"])) as lite:
        lite.executescript(
            "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; CREATE TABLE any_table (id integer)"
        )
        lite.executescript(config["OPTIONS"]["init_command"])
        lite.execute("INSERT INTO any_table VALUES (1)")
        found = [lite.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "integrity_check")]
    assert found == [4096, "ok"]
