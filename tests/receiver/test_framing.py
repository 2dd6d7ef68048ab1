"""Several requests on one connection, cut anywhere by the network."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from receiver.framing import EMPTY_LINE, EmptyLines
from receiver.models import Delivery
from tests import github, servers
from tests.receiver import raw


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
    return [whole[start:end] for start, end in pairwise(edges)]


@given(
    parts=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", EMPTY_LINE, b"a", b"0"]), max_size=12),
    places=st.lists(st.integers(0, 50), max_size=8),
)
def test_empty_lines_are_found_wherever_the_bytes_are_cut(parts: list[bytes], places: list[int]) -> None:
    whole = b"".join(parts)
    found, lines, offset = [], EmptyLines(), 0
    for piece in cut(whole, places):
        start = 0
        while start < len(piece):
            start = lines.end(piece, start)
            found.append(offset + start)
        offset += len(piece)
    expected, position = [], whole.find(EMPTY_LINE)
    while position >= 0:
        expected.append(position + 4)
        position = whole.find(EMPTY_LINE, position + 4)
    assert [end for end in found if end in expected] == expected


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@hypothesis_settings(
    max_examples=servers.examples(20, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kinds=st.lists(
        st.sampled_from(["length", "chunked", "trailers", "upgrade", "get"]), min_size=1, max_size=6
    ),
    places=st.lists(st.integers(0, 20_000), max_size=10),
)
async def test_pipelined_requests_are_answered_in_order_however_they_are_cut(
    receiver_url: str, kinds: list[str], places: list[int]
) -> None:
    whole, expected, kept = b"", [], {}
    for kind in kinds:
        if kind == "get":
            whole += b"GET /webhooks/github HTTP/1.1\r\nHost: localhost\r\n\r\n"
            expected.append(405)
            continue
        request = github.request("ping", b'{"zen": "a"}' + 3 * EMPTY_LINE + b" " * 500)
        chunked = kind in {"chunked", "trailers"}
        offer = ["Connection: upgrade", "Upgrade: h2c"] if kind == "upgrade" else []
        trailers = b"X-Checked: yes\r\n" if kind == "trailers" else b""
        whole += raw.head(request, *offer, chunked=chunked)
        whole += raw.chunks(request.body, 100, trailers) if chunked else request.body
        expected.append(202)
        kept[request.guid] = request.body
    async with raw.connected(receiver_url) as (reader, writer):
        for piece in cut(whole, places):
            writer.write(piece)
            await writer.drain()
        assert [(await raw.answer(reader))[0] for _ in kinds] == expected
    rows = {str(row.guid): row.body async for row in Delivery.objects.filter(guid__in=kept)}
    assert rows == kept
