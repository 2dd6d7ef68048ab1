"""Finds empty lines, with which a head and a chunked body end. No I/O."""

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
