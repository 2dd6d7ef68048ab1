"""How many bytes of large bodies may be in memory at once.

Bodies are charged in blocks as they arrive, not by the length that they announce. A block is granted only
where every body that holds blocks can still become whole: with what is free, then with what the first to end
gives back, and so on (https://en.wikipedia.org/wiki/Banker%27s_algorithm). So half-read bodies never wait for
each other for ever. While a body waits, a slow sender gives way.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

BLOCK = 64 * 1024  # bytes
# While a body waits, a sender must bring two blocks in half a second: 256 KiB a second. It gives way when it
# misses that twice in a row, because the first may be the fault of an event loop that was late.
LOOK_EVERY = 0.5  # seconds
BLOCKS_A_LOOK = 2
SLOW_LOOKS = 2


def blocks(size: int) -> int:
    """Return how many blocks `size` bytes take."""
    return -(-size // BLOCK)


@dataclass(eq=False, slots=True)
class Share:
    """The blocks of one body."""

    missing: int
    """Blocks that the body may still ask for."""
    give_way: Callable[[], None]
    """Called when the sender is slow while others wait; the share is to be released then."""
    whole: bool = False
    """The body has arrived, so its sender cannot be slow."""
    held: int = 0
    seen: int = 0
    """Blocks held at the last look."""
    slow: int = 0
    """Looks in a row at which the sender was slow."""


class Budget:
    """Blocks for one event loop, granted in the order in which they are asked for, as far as that is safe."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._shares: set[Share] = set()  # that hold blocks
        self._waiting: dict[Share, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def share(self, most: int, give_way: Callable[[], None]) -> Share:
        """Return the share of a body that takes at most `most` blocks, or all that there are."""
        return Share(min(most, self._size), give_way)

    async def take(self, share: Share) -> None:
        """Wait for one block of those that `share` misses; a cancelled caller has taken none."""
        granted = self._waiting[share] = asyncio.get_running_loop().create_future()
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if self._waiting.pop(share, None) is None:
                self._give_back(share, 1)
            raise

    def whole(self, share: Share) -> None:
        """Note that a body takes no more blocks; it keeps those it has."""
        share.missing, share.whole = 0, True
        self._grant()

    def release(self, share: Share) -> None:
        """Give back all blocks of a share."""
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
            # A caller that was cancelled and has not run since still stands here, with its future done.
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
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def _most_missing(self) -> int:
        """How many blocks a share may miss to be granted one.

        In the order of what they miss, each share finds free what it misses when all before it have ended.
        Where it finds no block more, a block may go to it or to those before it, and to nobody behind.
        """
        free = self._free
        for share in sorted(self._shares, key=_missing):
            if free <= share.missing:
                return share.missing
            free += share.held
        return self._size

    def _look(self) -> None:
        """Have those give way that were slow; look again while others wait."""
        self._timer = None
        for share in list(self._shares):
            brought, share.seen = share.held - share.seen, share.held
            slow = not share.whole and share not in self._waiting and brought < BLOCKS_A_LOOK
            share.slow = share.slow + 1 if slow and self._waiting else 0
            if share.slow == SLOW_LOOKS:
                share.give_way()
        self._grant()


def _missing(share: Share) -> int:
    return share.missing
