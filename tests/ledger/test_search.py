"""The search box: what a text is taken for."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import search
from ledger.search import Guid, Repository, Sha, Words
from tests.texts import CHARACTERS

names = st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}", fullmatch=True, alphabet=CHARACTERS
)


@given(st.uuids(), st.booleans())
def test_a_guid_is_found_in_either_case_and_among_other_text(guid: UUID, upper: bool) -> None:
    text = str(guid).upper() if upper else str(guid)
    for around in (" {}\n", '"guid": "{}",', "\u200b{}", "{{{}}}", "octo/cat | 27 ms | {}", "{0} = {0}"):
        assert search.parse(around.format(text)) == Guid(guid)
    assert search.parse(f"{text}{text}") == Words(f"{text}{text}")


@given(names)
def test_a_full_name_is_a_repository(name: str) -> None:
    assert search.parse(name) == Repository(name)


@given(names, st.integers(0, 10**18 - 1))
def test_a_full_name_with_a_number_is_an_issue_or_pull_request(name: str, number: int) -> None:
    assert search.parse(f"{name}#{number}") == Repository(name, number)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", Repository("octo/cat")),
        ("/", Repository("octo/cat")),
        (".git", Repository("octo/cat")),
        ("/issues?q=is%3Aopen", Repository("octo/cat")),
        ("/pull/12", Repository("octo/cat", 12)),
        ("/pull/12/files#diff-1", Repository("octo/cat", 12)),
        ("/issues/12#issuecomment-3", Repository("octo/cat", 12)),
        ("/discussions/12", Repository("octo/cat")),
        ("/commit/ABCDEF0123", Sha("abcdef0123")),
    ],
)
def test_the_address_of_a_page_of_github_names_what_it_shows(path: str, found: search.Found) -> None:
    assert search.parse(f"https://github.com/octo/cat{path}") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("github.com/octo/cat/pull/12", Repository("octo/cat", 12)),
        ("git@github.com:octo/cat.git", Repository("octo/cat")),
        ("ssh://git@git.example.com/octo/cat.git", Repository("octo/cat")),
        ("https://api.github.com/repos/octo/cat/pulls/12", Repository("octo/cat", 12)),
        ("https://git.example.com/api/v3/repos/octo/cat/commits/abcdef0123", Sha("abcdef0123")),
        ("https://github.com/repos/cat/issues/12", Repository("repos/cat", 12)),
    ],
)
def test_what_git_clones_and_the_addresses_of_a_payload_name_the_same(text: str, found: search.Found) -> None:
    assert search.parse(text) == found


@given(st.text("0123456789abcdefABCDEF", min_size=7, max_size=64))
def test_seven_hexadecimal_digits_or_more_are_a_commit_in_lower_case(text: str) -> None:
    assert search.parse(text) == Sha(text.lower())


@given(st.uuids(), st.integers(7, 32), st.uuids())
def test_a_guid_lies_between_those_that_begin_as_it_does_and_no_other(
    guid: UUID, length: int, other: UUID
) -> None:
    between = Sha(guid.hex[:length]).guids
    assert between is not None
    assert between[0] <= guid <= between[1]
    assert (between[0] <= other <= between[1]) == (other.hex[:length] == guid.hex[:length])
    assert Sha("0" * 33).guids is None


@given(st.text(CHARACTERS))
def test_any_text_is_one_thing_or_nothing_and_never_an_error(text: str) -> None:
    found = search.parse(text)
    assert (found is None) == (not text.strip())
    if isinstance(found, Words):
        assert found.text == text.strip()


@pytest.mark.parametrize(
    "text",
    ["octo/cat#", "octo/", "/cat", "abc123", "timed out", "octo/cat#12x", "-a/b", "https://github.com/octo"],
)
def test_what_only_looks_alike_is_words(text: str) -> None:
    assert search.parse(text) == Words(text)
