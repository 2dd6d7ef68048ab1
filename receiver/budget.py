"""How many bytes of large bodies may be in memory at once.

A small body is read without asking, so that large ones can never keep small ones waiting. What a large body
has still to send stays unread, in the sender's hands (TCP pushes back), until its whole length fits.
"""

import asyncio
from collections import deque


class Budget:
    """Bytes that are shared out first come, first served, in one event loop."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def acquire(self, size: int) -> None:
        """Wait until `size` bytes are free and take them; a cancelled caller has taken none."""
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((size, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release(size)
            else:
                self._share_out()
            raise

    def release(self, size: int) -> None:
        """Give bytes back."""
        self._free += size
        self._share_out()

    def _share_out(self) -> None:
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._free):
            size, future = self._waiting.popleft()
            if not future.done():
                self._free -= size
                future.set_result(None)
