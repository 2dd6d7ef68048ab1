"""Finds empty lines, with which a head and a chunked body end, and writes a head anew. No I/O."""

from collections.abc import Sequence

EMPTY_LINE = b"\r\n\r\n"


class EmptyLines:
    """Finds empty lines in a stream of pieces."""

    def __init__(self) -> None:
        # The last bytes of the previous piece: an empty line may begin there.
        self._tail = b""

    def end(self, data: bytes, start: int) -> int:
        """Return where the next empty line ends in `data` from `start` on, or the length of `data`.

        After an end that is not the length of `data`, the next call continues in the same `data`.
        """
        if self._tail:
            tail, self._tail = self._tail, b""
            found = (tail + data[:3]).find(EMPTY_LINE)
            if found >= 0:
                return found + len(EMPTY_LINE) - len(tail)
        else:
            tail = b""
        found = data.find(EMPTY_LINE, start)
        if found >= 0:
            return found + len(EMPTY_LINE)
        self._tail = (tail + data[max(start, len(data) - 3) :])[-3:]
        return len(data)


def without_upgrade(
    method: bytes, url: bytes, version: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return a head without `Upgrade`, which a server may ignore.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.8
    """
    fields = [name + b": " + value for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([b"%b %b HTTP/%b" % (method, url, version), *fields, b"", b""])
