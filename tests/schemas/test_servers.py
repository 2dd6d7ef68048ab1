"""The server of a delivery comes from the links in the signed payload, else a header, else github.com."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas import GITHUB, server_in, server_of
from tests import github
from tests.texts import CHARACTERS

EVENTS = schemas.discover(schemas)
ENTERPRISE, TENANT = "X-GitHub-Enterprise-Host", "X-GitHub-Tenant"


@pytest.mark.parametrize(
    ("link", "server"),
    [
        ("https://github.com/acme/one", "github.com"),
        ("https://GitHub.com/acme/one", "github.com"),
        ("https://api.github.com/orgs/acme", "github.com"),
        ("https://git.acme.example/acme/one", "git.acme.example"),
        ("https://git.acme.example:8443/acme/one", "git.acme.example"),
        ("http://git.acme.example", "git.acme.example"),
        ("https://git.acme.example./acme", "git.acme.example"),
        ("https://api.acme.example/v3", "api.acme.example"),
        ("https://octocorp.ghe.com/acme/one", "octocorp.ghe.com"),
        ("https://api.octocorp.ghe.com/orgs/acme", "octocorp.ghe.com"),
        ("https://[2001:db8::7]/acme/one", "[2001:db8::7]"),
        ("https://git/acme/one", "git"),
    ],
)
def test_the_server_is_the_host_of_a_link_in_lower_case_and_without_a_port(link: str, server: str) -> None:
    assert server_of([link], {ENTERPRISE: "elsewhere.example"}) == server


@pytest.mark.parametrize(
    "link",
    [None, "", "acme/one", "ftp://git.example/x", "https://", "https:///x", "https://github.com@git.example/x",
     "https://git.example\\@github.com/", "https://git example/", "https://gît.example/", "javascript:x",
     "https://" + "a" * 254 + "/", "https://git.example:99999999/", "https://-git.example/",
     "https://git.example\n/"],
)  # fmt: skip
def test_a_link_that_names_no_host_is_passed_over(link: str | None) -> None:
    assert server_of([link, "https://git.example/x"], {}) == "git.example"
    assert server_of([link], {}) == GITHUB


@pytest.mark.parametrize(
    ("headers", "server"),
    [
        ({}, "github.com"),
        ({ENTERPRISE: "Git.Acme.Example"}, "git.acme.example"),
        ({ENTERPRISE: "git.acme.example:443"}, "git.acme.example"),
        ({TENANT: "OctoCorp"}, "octocorp.ghe.com"),
        ({ENTERPRISE: "git.acme.example", TENANT: "octocorp"}, "git.acme.example"),
        ({ENTERPRISE: "two hosts"}, "github.com"),
        ({ENTERPRISE: "https://git.acme.example/"}, "github.com"),
        ({TENANT: "octocorp.ghe.com/x"}, "github.com"),
        ({TENANT: "a" * 64}, "github.com"),
    ],
)
def test_without_a_link_the_server_comes_from_a_header(headers: dict[str, str], server: str) -> None:
    assert server_of([], headers) == server


@given(
    st.lists(st.none() | st.text(CHARACTERS, max_size=300)),
    st.text(CHARACTERS, max_size=300),
    st.text(CHARACTERS, max_size=300),
)
def test_whatever_is_sent_the_server_fits_into_its_column(
    links: list[str | None], enterprise: str, tenant: str
) -> None:
    server = server_of(links, {ENTERPRISE: enterprise, TENANT: tenant})
    assert 0 < len(server) <= 253
    assert server == server.lower()
    assert server.isascii()


LINKS: dict[str, dict[str, Any]] = {
    "its repository": {"repository": {"id": 1, "full_name": "a/b", "html_url": "https://one.example/a/b"}},
    "its organisation": {"organization": {"login": "a", "url": "https://one.example/api/v3/orgs/a"}},
    "its sender": {"sender": {"login": "a", "html_url": "https://one.example/a"}},
    "its installation": {"installation": {"id": 1, "html_url": "https://one.example/settings/1"}},
    "its hook": {"hook": {"id": 1, "url": "https://one.example/api/v3/app/hook"}},
    "an App's hook": {"hook": {"deliveries_url": "https://one.example/api/v3/app/hook/deliveries"}},
    "its enterprise": {"enterprise": {"slug": "a", "html_url": "https://one.example/enterprises/a"}},
    "the owner": {"repository": {"id": 1, "full_name": "a/b", "owner": {"url": "https://one.example/a"}}},
    "its comment": {"comment": {"id": 1, "html_url": "https://one.example/a/b/issues/1#1"}},
    "itself": {"url": "https://one.example/api/v3/repos/a/b/statuses/1"},
}


@pytest.mark.parametrize("part", LINKS)
def test_a_link_in_any_part_gives_the_server(part: str) -> None:
    payload = {"zen": "z", **LINKS[part]}
    assert server_of(schemas.links_of(payload), {ENTERPRISE: "header.example"}) == "one.example"
    body = json.dumps(payload).encode()
    event = schemas.parse(EVENTS["ping"], body)
    assert server_in(event, body, {ENTERPRISE: "header.example"}) == "one.example"


def test_every_published_example_names_its_server_in_both_ways() -> None:
    for path in sorted(github.OCTOKIT.glob("*.json")):
        text = path.read_text()
        for scheme in ("https", "http"):
            text = text.replace(f"{scheme}://api.github.com", "https://one.example/api/v3")
            text = text.replace(f"{scheme}://github.com", "https://one.example")
        event = schemas.parse(EVENTS.get(path.name.partition("__")[0], schemas.Event), text.encode())
        # An advisory names no server.
        server = GITHUB if path.name.startswith("security_advisory") else "one.example"
        assert server_in(event, text.encode(), {}) == server, path.stem
        assert server_of(schemas.links_of(json.loads(text)), {}) == server, path.stem


def test_links_that_somebody_else_chose_do_not_count() -> None:
    theirs = {"url": "https://elsewhere.example/", "html_url": "https://elsewhere.example/"}
    repository = {"id": 1, "full_name": "a/b", "homepage": theirs["url"], "mirror_url": theirs["url"]}
    chosen = {"client_payload": theirs, "inputs": theirs, "target_url": theirs["url"], "changes": theirs}
    check = {"check_run": {"details_url": theirs["url"]}, "hook": {"config": theirs}}
    assert list(schemas.links_of({"repository": repository, **chosen, **check})) == []


def test_where_a_hook_delivers_to_is_no_link_to_the_server() -> None:
    hook = {"id": 1, "config": {"url": "https://ours.example/webhooks/github"}}
    assert server_of(schemas.links_of({"zen": "z", "hook": hook}), {}) == GITHUB


def test_an_event_without_a_schema_has_a_server() -> None:
    event = schemas.parse(schemas.Event, github.sample("star__created").body)
    assert server_of(event.links, {}) == "github.example"
