r"""Reduces a JSON object to a few members without building a tree of the rest.

A tree takes many times the memory of its text: a body of 25 MB may contain eight million empty lists. Here
regular expressions skip the text in place, and only the text of the wanted members is copied. Each match is
bounded, so that other threads can run between two matches. The grammar is that of RFC 8259, with the `NaN`
and `Infinity` that Python's `json` accepts.
"""

import codecs
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import NoReturn

from schemas._errors import NotJSONError, TooDeepError

Wanted = Mapping[str, "Wanted"]
"""Maps names of members to the wanted members of their values."""

MAX_DEPTH = 1000  # levels of nesting
# Matches for one body; they take two to three seconds. GitHub's payloads need a few thousand.
MAX_STEPS = 1_000_000
SLICE = 1024 * 1024  # bytes that are checked for UTF-8 at once

# One match skips up to `RUN` items, whose containers have at most `LEVELS` levels with up to `ITEMS` items
# each. Their product bounds the time of a match, during which no other thread runs, to 0.1 s.
RUN, LEVELS, ITEMS = 100, 4, 10

# Every repetition is possessive: the grammar is unambiguous, so no match needs to backtrack.
_SPACE = rb"[ \t\n\r]*+"
_TEXT = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = rb"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+"
_SCALAR = rb"(?:%b|%b|true|false|null|NaN|-?+Infinity)%b" % (_TEXT, _NUMBER, _SPACE)
_COLON = rb"%b:%b" % (_SPACE, _SPACE)
_COMMA = rb",%b" % _SPACE


def _container(opening: bytes, item: bytes, closing: bytes) -> bytes:
    separator = rb"(?:%b(?!%b)|(?=%b))" % (_COMMA, closing, closing)
    return rb"%b%b(?:%b%b){0,%d}+%b%b" % (opening, _SPACE, item, separator, ITEMS, closing, _SPACE)


_SHALLOW = _SCALAR
for _ in range(LEVELS):
    _array = _container(rb"\[", _SHALLOW, rb"\]")
    _object = _container(rb"\{", _TEXT + _COLON + _SHALLOW, rb"\}")
    _SHALLOW = rb"(?:%b|%b|%b)" % (_SCALAR, _array, _object)


# Compiling the large patterns takes 50 ms, and most processes never skim a body.
_compiled = cache(re.compile)


def _run(before: bytes) -> bytes:
    return rb"(?:%b%b%b){0,%d}+" % (before, _SHALLOW, _COMMA, RUN)


_space = re.compile(_SPACE)
_key = re.compile(rb"(%b)%b" % (_TEXT, _COLON))
_ITEMS = _run(b"")
_MEMBERS = _run(_TEXT + _COLON)
_OPENING, _CLOSING = b"[{", b"]}"


def skimmer(wanted: Wanted) -> Callable[[bytes], bytes]:
    """Return a function that reduces a body to the wanted members of its object, as JSON.

    The function returns an empty object for any other JSON value; of members with the same name, the last
    counts. It raises `NotJSONError`, or `TooDeepError` for more than `MAX_DEPTH` levels or `MAX_STEPS`
    matches.
    """
    # A name with an escape may be any name, so it is always decoded.
    names = "|".join(sorted(_names(wanted))).encode()
    others = _run(rb'(?!"(?:%b)")"[^"\\\x00-\x1f]*+"%b' % (names, _COLON))

    def skim(body: bytes) -> bytes:
        _check_encoding(body)
        return _Skimming(body, others).whole(wanted)

    return skim


def _names(wanted: Wanted) -> set[str]:
    return set(wanted).union(*map(_names, wanted.values()))


class _Skimming:
    """One pass over one body. Its methods take the start of a part and return its end.

    The space after a part belongs to it.
    """

    def __init__(self, body: bytes, others: bytes) -> None:
        self._body = body
        self._shallow = _compiled(_SHALLOW)
        self._items = _compiled(_ITEMS)
        self._members = _compiled(_MEMBERS)
        self._others = _compiled(others)
        self._steps = 0

    def whole(self, wanted: Wanted) -> bytes:
        start = self._space(0)
        reduced, end = self._value(start, wanted)
        if end < len(self._body):
            self._fail("Extra data", end)
        return reduced if self._at(start, b"{") else b"{}"

    def _value(self, start: int, wanted: Wanted) -> tuple[bytes, int]:
        """Return the reduced value at this position, and its end."""
        if self._at(start, b"{"):
            return self._object(start, wanted)
        end = self._skip(start)
        return b"[]" if self._at(start, b"[") else self._body[start:end], end

    def _object(self, start: int, wanted: Wanted) -> tuple[bytes, int]:
        found: dict[str, bytes] = {}
        position = self._space(start + 1)
        more = not self._at(position, b"}")
        while more:
            position = self._all(self._others, position)
            name, position = self._name(position)
            if name in wanted:
                found[name], position = self._value(position, wanted[name])
            else:
                position = self._skip(position)
            more = self._at(position, b",")
            if more:
                position = self._space(position + 1)
        if not self._at(position, b"}"):
            self._fail("Expecting ',' delimiter", position)
        reduced = b",".join(b'"%b":%b' % (name.encode(), value) for name, value in found.items())
        return b"{%b}" % reduced, self._space(position + 1)

    def _skip(self, position: int) -> int:
        """Return the end of the value at this position."""
        closing = bytearray()
        while True:
            self._step()
            if shallow := self._shallow.match(self._body, position):
                position = shallow.end()
                while closing and self._at(position, closing[-1:]):
                    closing.pop()
                    position = self._space(position + 1)
                if not closing:
                    return position
                if not self._at(position, b","):
                    self._fail("Expecting ',' delimiter", position)
            else:
                kind = _OPENING.find(self._body[position : position + 1] or b"?")
                if kind < 0:
                    self._fail("Expecting value", position)
                if len(closing) == MAX_DEPTH:
                    raise TooDeepError(f"the JSON is nested more than {MAX_DEPTH} levels deep")
                closing.append(_CLOSING[kind])
            position = self._space(position + 1)
            if closing[-1:] == b"]":
                position = self._all(self._items, position)
            else:
                position = self._all(self._members, position)
                _, position = self._name(position)

    def _all(self, run: re.Pattern[bytes], position: int) -> int:
        while (end := run.match(self._body, position).end()) > position:  # type: ignore[union-attr] # matches ""
            self._step()
            position = end
        return position

    def _name(self, position: int) -> tuple[str, int]:
        self._step()
        key = _key.match(self._body, position)
        if key is None:
            self._fail("Expecting property name", position)
        return json.loads(key[1]), key.end()

    def _space(self, position: int) -> int:
        return _space.match(self._body, position).end()  # type: ignore[union-attr] # matches ""

    def _at(self, position: int, character: bytes | bytearray) -> bool:
        return self._body.startswith(character, position)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooDeepError(f"the JSON takes more than {MAX_STEPS} steps to pass over")

    def _fail(self, what: str, position: int) -> NoReturn:
        raise NotJSONError(f"not JSON: {what} at byte {position}")


def _check_encoding(body: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body) + 1, SLICE):
        try:
            decoder.decode(body[start : start + SLICE], final=start + SLICE > len(body))
        except UnicodeDecodeError as error:
            raise NotJSONError("not JSON: not UTF-8") from error
