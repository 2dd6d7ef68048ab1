"""Bounds the memory that large bodies use at once.

Bodies are charged in blocks as they arrive, not by their announced length. A block is granted only if every
body that holds blocks can still be read to its end: with the free blocks, then with those that the first one
releases, and so on (https://en.wikipedia.org/wiki/Banker%27s_algorithm). So partly read bodies cannot
deadlock. While a body waits, slow senders are disconnected.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

BLOCK = 64 * 1024  # bytes
# While a body waits, each sender must send two blocks per check: 256 KiB a second. It is disconnected after
# two slow checks in a row, because a late event loop may cause one.
CHECK_INTERVAL = 0.5  # seconds
BLOCKS_PER_CHECK = 2
MAX_SLOW_CHECKS = 2


def blocks(size: int) -> int:
    """Return the number of blocks for `size` bytes."""
    return -(-size // BLOCK)


@dataclass(eq=False, slots=True)
class Share:
    """The blocks of one body."""

    missing: int
    """Blocks that the body may still request."""
    give_way: Callable[[], None]
    """Called when the sender is slow while other bodies wait; it must release the share."""
    whole: bool = False
    """Whether the whole body has arrived, so that its sender cannot be slow."""
    held: int = 0
    held_before: int = 0
    """Blocks held at the last check."""
    slow: int = 0
    """Number of slow checks in a row."""


class Budget:
    """The blocks of one event loop. They are granted in the order of the requests, as far as that is safe."""

    def __init__(self, size: int, check_interval: float = CHECK_INTERVAL) -> None:
        """Make a budget of so many blocks; while a body waits, senders are checked at this interval."""
        self._size = self._free = size
        self._check_interval = check_interval
        self._shares: set[Share] = set()  # those that hold blocks
        self._waiting: dict[Share, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def share(self, most: int, give_way: Callable[[], None]) -> Share:
        """Return a share for a body of at most `most` blocks; the size of the budget is the maximum."""
        return Share(min(most, self._size), give_way)

    async def take(self, share: Share) -> None:
        """Wait for one more block. A cancelled caller has taken none."""
        granted = self._waiting[share] = asyncio.get_running_loop().create_future()
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if self._waiting.pop(share, None) is None:
                self._give_back(share, 1)
            raise

    def whole(self, share: Share) -> None:
        """Mark a body as complete. It keeps its blocks and requests no more."""
        share.missing, share.whole = 0, True
        self._grant()

    def release(self, share: Share) -> None:
        """Release all blocks of a share."""
        self._give_back(share, share.held)

    def _give_back(self, share: Share, count: int) -> None:
        share.held -= count
        share.missing += count
        self._free += count
        if not share.held:
            self._shares.discard(share)
        self._grant()

    def _grant(self) -> None:
        while self._free:
            most = self._most_missing()
            # A cancelled caller that has not run since is still in `_waiting`, with its future done.
            asking = (each for each, granted in self._waiting.items() if not granted.done())
            share = next((each for each in asking if each.missing <= most), None)
            if share is None:
                break
            self._free -= 1
            share.held += 1
            share.missing -= 1
            self._shares.add(share)
            self._waiting.pop(share).set_result(None)
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._check_interval, self._check)

    def _most_missing(self) -> int:
        """Return the largest number of missing blocks with which a share may be granted a block.

        The shares are sorted by their missing blocks. Each can complete with the free blocks and those that
        the shares before it release. Where none is left over, a block may go to that share or to one before
        it.
        """
        free = self._free
        for share in sorted(self._shares, key=_missing):
            if free <= share.missing:
                return share.missing
            free += share.held
        return self._size

    def _check(self) -> None:
        """Disconnect slow senders. Check again while bodies wait."""
        self._timer = None
        for share in list(self._shares):
            received, share.held_before = share.held - share.held_before, share.held
            slow = not share.whole and share not in self._waiting and received < BLOCKS_PER_CHECK
            share.slow = share.slow + 1 if slow and self._waiting else 0
            if share.slow == MAX_SLOW_CHECKS:
                share.give_way()
        self._grant()


def _missing(share: Share) -> int:
    return share.missing
