"""A payload as a tree shows what was sent, and contains no markup of the sender."""

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import payload_tree
from tests.github import PAYLOADS
from tests.texts import CHARACTERS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(CHARACTERS), inner, max_size=4),
    max_leaves=20,
)


class Tags(HTMLParser):
    """Records the tags of a page, and whether each was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def drawn(value: Any) -> str:
    body = json.dumps(value).encode()
    return payload_tree.tree(payload_tree.read(body, "application/json"))


@given(JSON)
def test_any_payload_is_closed_tags_of_the_tree_alone(value: Any) -> None:
    tags = Tags()
    tags.feed(drawn(value))
    assert tags.open == []
    assert tags.names <= {"details", "summary", "ul", "li", "span"}
    assert tags.attributes <= {"class", "open", "title"}


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_is_drawn(path: Any) -> None:
    try:
        value = payload_tree.read(path.read_bytes(), "application/json")
    except ValueError:
        assert path.stem == "issues__edited_deep_and_huge"
        return
    assert payload_tree.tree(value).startswith("<details open>")


def test_keys_values_and_sizes_are_shown_and_only_the_outermost_is_unfolded() -> None:
    shown = drawn({"ref": "refs/heads/main", "commits": [{"id": 1}, None], "none": {}})
    assert '<summary><span class="key">commits</span>' in shown, "a click on the name unfolds it"
    text = html.unescape(re.sub(r"<[^>]+>", " ", shown))
    assert text.split() == [
        "3", "keys", "ref", '"refs/heads/main"', "commits", "2", "items", "0", "1", "key", "id", "1",
        "1", "null", "none", "{}",
    ]  # fmt: skip
    assert shown.count("<details open>") == 1
    assert shown.count("<details>") == 2


def test_numbers_keep_their_digits() -> None:
    value = payload_tree.read(b"[1e400, 1.10, 123456789012345678901234567890, -0]", "application/json")
    assert value == ["1e400", "1.10", "123456789012345678901234567890", "-0"]
    assert "1e400</span>" in payload_tree.tree(value)


def test_a_form_is_its_payload() -> None:
    body = b"payload=%7B%22a%22%3A+1%7D"
    assert payload_tree.read(body, "application/x-www-form-urlencoded; charset=utf-8") == {"a": "1"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b"[" * 100_000, b"Hello, World!"])
def test_what_is_no_json_is_an_error_and_no_crash(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|decode|constant|deep|no JSON"):
        payload_tree.read(body, "application/json")


def test_depth_and_number_of_nodes_are_bounded() -> None:
    deep: Any = "core"
    for _ in range(payload_tree.DEEPEST + 5):
        deep = [deep]
    assert "nested deeper" in payload_tree.tree(deep)
    wide = payload_tree.tree(["1"] * (payload_tree.MAX_NODES + 1))
    assert wide.count("<li") == payload_tree.MAX_NODES + 1
    assert "1 more: see the raw text" in wide


def test_a_long_list_hides_none_of_the_keys_beside_it() -> None:
    shown = payload_tree.tree(
        {"commits": ["1"] * payload_tree.MAX_NODES, "after": "2", "sender": {"login": "3"}}
    )
    assert shown.count('class="key"') == payload_tree.MAX_NODES
    assert "3 more: see the raw text" in shown
    assert all(key in shown for key in ("after", "sender", "1 key"))
