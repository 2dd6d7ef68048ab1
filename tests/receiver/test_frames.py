"""Bodies come back byte for byte from their frames: with each released dictionary, and without."""

import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.delivery import dump, push
from receiver import frames
from receiver.frames import DICTIONARIES, LARGEST_WITH_DICTIONARY, PLAIN, compress, decompress, unpack
from tests import github, later
from tests.processes import ROOT, environment

# A released dictionary is needed for as long as a frame of it is stored, so a digest here never changes.
RELEASED = {1: "b89edfe2556f9073b0fe98c5b760321069aca11fde236782466f6b8d9674dfa1"}
ZEN = b'{"zen": "Keep it logically awesome."}'

pytestmark = pytest.mark.once


bodies = st.one_of(st.binary(), st.binary().map(lambda end: push().body + end))


@pytest.mark.hypothesis
@given(bodies, st.sampled_from(sorted(DICTIONARIES)))
def test_any_bytes_come_back(body: bytes, dictionary: int) -> None:
    frame = compress(body, dictionary)
    assert (decompress(frame), frames.id_of(frame)) == (body, dictionary)


def test_released_dictionaries_never_change() -> None:
    found = {int(path.stem): path.read_bytes() for path in later.DICTIONARIES.iterdir()}
    assert {number: hashlib.sha256(content).hexdigest() for number, content in found.items()} == RELEASED
    assert DICTIONARIES.keys() == {PLAIN, *RELEASED}


def test_a_frame_of_version_0_1_is_read_and_made_again_with_the_same_bytes() -> None:
    frame = bytes.fromhex(
        "28b52ffd206f6d010054027b227a656e223a20224b656570206974206c6f676963616c6c7920617765736f6d652e227d01003d84"
        "aa27"
    )
    assert decompress(frame) == 3 * ZEN
    assert compress(3 * ZEN, PLAIN) == frame


def test_packed_headers_of_version_0_2_are_read() -> None:
    packed = (
        "KLUv/WEBAwD1AQCDAwnv7Zvv/avywey8T+9K49WSyfgtE/k/Y6vWDIf044Z1b4ylfAEH/KUC6fSpOKadAL84xUDXqNYMlJUvAQ=="
    )
    assert unpack(packed) == {
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-GitHub-Event": "push",
        "X-GitHub-Hook-ID": "470100500",
        "X-GitHub-Hook-Installation-Target-ID": "810200300",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }


@pytest.mark.parametrize(("switch", "written"), [("off", "0 {'X-GitHub-Event': 'push'}"), ("on", "1 KLUv/")])
def test_the_dictionary_is_written_only_where_it_is_switched_on(switch: str, written: str) -> None:
    code = (
        "from receiver import frames;"
        "print(frames.id_of(frames.compress(b'{}')), frames.pack({'X-GitHub-Event': 'push'}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=environment(COMPRESS_WITH_DICTIONARY=switch, DJANGO_SETTINGS_MODULE="settings"),
    ).stdout  # fmt: skip
    assert said.startswith(written)


def test_a_frame_of_a_later_version_says_what_is_missing() -> None:
    with pytest.raises(frames.UnknownDictionaryError, match="dictionary 7, which this version does not have"):
        decompress(later.frame())


def test_a_large_body_is_compressed_without_a_dictionary_as_before() -> None:
    body = push().body * (LARGEST_WITH_DICTIONARY // len(push().body) + 1)
    assert compress(body, 1) == compress(body, PLAIN)


def test_no_name_of_the_samples_is_in_a_dictionary() -> None:
    content = (later.DICTIONARIES / "1.zdict").read_bytes()
    assert [name for name in (b"harbour", b"tide", b"quay", b"lindqvist") if name in content] == []


def test_what_github_sends_is_smaller_with_the_dictionary() -> None:
    examples = [dump(json.loads(path.read_bytes())) for path in sorted(github.OCTOKIT.glob("*.json"))]
    plain, small = (sum(len(compress(body, one)) for body in [push().body, *examples]) for one in (PLAIN, 1))
    assert small < 0.75 * plain
