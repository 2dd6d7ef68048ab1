"""Skimming reads the same as a parser of the whole text, for any text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas import _skimming

WANTED: _skimming.Wanted = {"action": {}, "issue": {"number": {}, "id": {}}}
skim = _skimming.skimmer(WANTED)

names = st.sampled_from(["action", "issue", "number", "id", "x", 'a"\\', "é", ""])
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.characters(codec=None))
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw lists and objects of a few parts."""
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3))


# Sometimes longer than what one match skips.
long = st.builds(
    lambda item, count: [item] * count, scalars, st.sampled_from([_skimming.ITEMS, _skimming.RUN])
)
values = st.recursive(scalars | long, containers, max_leaves=12)
objects = st.dictionaries(names, values, max_size=5)


def reduced(value: Any, wanted: Any = WANTED) -> Any:
    """Return what skimming keeps of a parsed value."""
    if isinstance(value, dict):
        return {name: reduced(value[name], wanted[name]) for name in value if name in wanted}
    return [] if isinstance(value, list) else value


def written(value: Any, data: st.DataObject) -> bytes:
    ascii_only = data.draw(st.booleans())
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" \n,\t", " : ")]))
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    return text.encode(errors="replace")


@given(objects, st.data())
def test_of_an_object_the_wanted_members_are_left(value: Any, data: st.DataObject) -> None:
    body = written(value, data)
    assert json.loads(skim(body)) == reduced(json.loads(body))


@given(values.filter(lambda value: not isinstance(value, dict)), st.data())
def test_of_any_other_value_an_empty_object_is_left(value: Any, data: st.DataObject) -> None:
    assert skim(written(value, data)) == b"{}"


@given(values, st.data())
def test_what_no_parser_takes_is_no_json(value: Any, data: st.DataObject) -> None:
    body = bytearray(written(value, data))
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(start + 2, len(body))))
    body[start:end] = data.draw(
        st.sampled_from(
            [b"", b",", b":", b"]", b"}", b"[", b"{", b'"', b"\\", b"\0", b"\xff", b" ", b"0", b"-"]
        )
    )
    try:
        parsed = json.loads(body.decode())
    except ValueError:
        with pytest.raises(schemas.NotJSONError):
            skim(bytes(body))
    else:
        expected = reduced(parsed) if isinstance(parsed, dict) else {}
        assert json.loads(skim(bytes(body))) == expected


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"action": 1, "action": 2}', {"action": 2}),
        (b'{"issue": {"id": 1}, "issue": {"number": 2}}', {"issue": {"number": 2}}),
        (b'{"\\u0061ction": "x", "issue": {"\\u0069d": 7}}', {"action": "x", "issue": {"id": 7}}),
        (b'{"x": {"action": 1}, "issue": {"x": {"id": 1}}}', {"issue": {}}),
        (b' {"action" : [1, {"action": 2}] } ', {"action": []}),
    ],
    ids=["the last of two", "the last of two objects", "names with escapes", "other levels", "a list"],
)
def test_a_member_is_found_by_its_name_and_level(body: bytes, left: Any) -> None:
    assert json.loads(skim(body)) == left


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_nesting_is_followed_as_deep_as_it_may_be_and_no_deeper(opening: bytes) -> None:
    closing = bytes(reversed(opening.replace(b'"a":', b""))).translate(bytes.maketrans(b"[{", b"]}"))
    levels = _skimming.MAX_DEPTH // len(closing)
    body = b'{"x": %b0%b, "action": 1}'
    assert skim(body % (opening * levels, closing * levels)) == b'{"action":1}'
    with pytest.raises(schemas.TooDeepError):
        skim(body % (opening * 2 * levels, closing * 2 * levels))


def test_what_takes_too_many_steps_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_skimming, "MAX_STEPS", 1000)
    body = b'{"x": [' + b"[[[[[[]]]]]]," * _skimming.MAX_STEPS + b"0]}"
    with pytest.raises(schemas.TooDeepError, match="steps"):
        skim(body)
