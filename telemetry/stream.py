"""A log handler that writes records of many lines in parts that a pipe does not mix with those of others."""

import logging
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    Stream = logging.StreamHandler[TextIO]
else:
    Stream = logging.StreamHandler  # generic only in the stubs

logger = logging.getLogger(__name__)

# Characters of one write. A pipe may mix larger writes of several processes: `PIPE_BUF` of pipe(7).
LONGEST_WRITE = 4096


class WholeLines(Stream):
    """Writes whole lines together, up to `LONGEST_WRITE`; a longer line is a write of its own."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, or to standard error."""
        super().__init__(stream or sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            text, start = self.format(record) + self.terminator, 0
        except Exception as error:  # noqa: BLE001 - of a handler's own line, in place of Python's many
            name = type(error).__name__
            logger.error("not logged by=%s text=%r error=%s", record.name, record.msg, name)  # noqa: TRY400
            return
        try:
            while start < len(text):
                end = text.rfind("\n", start, start + LONGEST_WRITE) + 1 or text.index("\n", start) + 1
                self.stream.write(text[start:end])
                self.flush()
                start = end
        except Exception:  # noqa: BLE001 - as the standard library's handlers do
            self.handleError(record)
