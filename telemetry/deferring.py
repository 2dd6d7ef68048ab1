"""A log handler that writes lines together: a write for each line would be a tenth of a worker's CPU time."""

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    Stream = logging.StreamHandler[TextIO]
else:
    Stream = logging.StreamHandler  # generic only in the stubs

DEFERRABLE: Final = {"deferrable": True}
"""`extra` of a line that may be lost with the process, because the database knows what it says."""
# Characters of one write. A pipe may mix larger writes of several processes: `PIPE_BUF` of pipe(7).
LONGEST_WRITE = 4096


class DeferringHandler(Stream):
    """Keeps lines with `DEFERRABLE` until the end of the event loop's iteration; others are written at once.

    The order of lines is kept. The end of logging, at the end of the process, writes what is left.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, or to standard error."""
        super().__init__(stream or sys.stderr)
        self._kept: list[str] = []
        self._size = 0
        self._writer: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep or write a record."""
        try:
            line = self.format(record) + self.terminator
            if self._size + len(line) > LONGEST_WRITE:
                self.flush()
            self._kept.append(line)
            self._size += len(line)
            if not (hasattr(record, "deferrable") and self._written_later()):
                self.flush()
        except Exception:  # noqa: BLE001 - as the standard library's handlers do
            self.handleError(record)

    def flush(self) -> None:
        """Write what is kept."""
        with self.lock:  # type: ignore[union-attr] # `createLock` has made it
            text, self._size, self._writer = "".join(self._kept), 0, None
            self._kept.clear()
            if text:
                self.stream.write(text)
            super().flush()

    def _written_later(self) -> bool:
        """Have the running event loop write what is kept; return whether there is one."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._writer is not loop:
            self._writer = loop
            loop.call_soon(self.flush)
        return True
