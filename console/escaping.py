"""Text from outside, made safe for pages: no markup comes from it, and nothing in it is invisible. Pure.

The one exception joins symbols to one emoji.

Characters that turn the direction of writing can make text read as something else than it says:
https://trojansource.codes. They, control characters and lone surrogates are shown by their code points.
"""

import re
import unicodedata
from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Control, format (bidi, zero width), surrogate, private, unassigned; separators of lines and paragraphs.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ALLOWED = "\n\t"
# Zero width joiner between symbols: https://unicode.org/reports/tr51/#Emoji_ZWJ_Sequences
_SYMBOL = r"[\u2190-\u2bff\U0001f000-\U0001faff]"
_JOINER = rf"(?<={_SYMBOL})\u200d(?={_SYMBOL})|(?<=\ufe0f)\u200d(?={_SYMBOL})"
# All characters but those that are surely visible; the category decides.
_CANDIDATE = re.compile(rf"(?!{_JOINER})[^\x20-\x7e\n\t\xa0-\xac\xae-\u024f]")


def visible(text: object) -> SafeString:
    """Return the text as HTML, with every hidden character as `U+202E`, marked and named."""
    return mark_safe(_CANDIDATE.sub(_marked, escape(str(text))))  # noqa: S308 - escaped, and marks are ours


def plain(text: object) -> str:
    """Return the text with every hidden character as `<U+202E>`, for where no markup is possible."""
    return _CANDIDATE.sub(_named, str(text))


def _marked(match: re.Match[str]) -> str:
    char = match[0]
    if not _is_hidden(char):
        return char
    name = unicodedata.name(char, "control character").lower()
    return f'<span class="hidden-char" title="{name}">U+{ord(char):04X}</span>'


def _named(match: re.Match[str]) -> str:
    char = match[0]
    return f"<U+{ord(char):04X}>" if _is_hidden(char) else char


@lru_cache(maxsize=4096)
def _is_hidden(char: str) -> bool:
    return char not in _ALLOWED and unicodedata.category(char) in _HIDDEN
