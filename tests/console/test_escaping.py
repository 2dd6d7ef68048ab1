"""Untrusted text on a page is neither markup nor invisible."""

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import escaping
from tests.texts import CHARACTERS

MARK = re.compile(r'<span class="hidden-char" title="[a-z0-9 -]+">U\+([0-9A-F]{4,6})</span>')


@given(st.text(CHARACTERS))
def test_only_marks_are_markup_and_the_text_can_be_read_back(text: str) -> None:
    shown = escaping.visible(text)
    without = MARK.sub("", shown)
    assert not set(without) & set("<>\"'")
    assert html.unescape(MARK.sub(lambda mark: chr(int(mark[1], 16)), shown)) == text or "&" in text


@given(st.text(CHARACTERS))
def test_no_hidden_character_is_left(text: str) -> None:
    for shown in (escaping.visible(text), escaping.plain(text)):
        rest = re.sub(r"([\u2190-\U0001faff])\u200d(?=[\u2190-\U0001faff])", r"\1", shown)
        hidden = {
            char for char in rest if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        }
        assert hidden <= {"\n", "\t"}


@pytest.mark.parametrize("text", ["main", "åäö Ünïcode", "漢字", "مرحبا", "🎉", "👩🏽‍💻 🏳️‍🌈", "a\nb\tc"])
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert escaping.visible(text) == text
    assert escaping.plain(text) == text


def test_bidi_control_and_markup_are_shown_as_such() -> None:
    shown = escaping.visible("<b>\u202egpj.exe\0\x1b[2J")
    assert shown.startswith("&lt;b&gt;<span")
    assert [mark[1] for mark in MARK.finditer(shown)] == ["202E", "0000", "001B"]
    assert 'title="right-to-left override"' in shown
    assert escaping.plain("a\u200bb\u200dc🎉\u200dd") == "a<U+200B>b<U+200D>c🎉<U+200D>d"
