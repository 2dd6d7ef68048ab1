"""The budget of blocks is never overdrawn, no body waits for ever, and slow senders give way."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.budget import Budget, Share

SIZE = 10


def nothing() -> None:
    pass


async def taken(budget: Budget, most: int, count: int | None = None) -> Share:
    """Return a share with a limit of `most` blocks that has taken some, without competition."""
    share = budget.share(most, nothing)
    async with asyncio.timeout(30):
        for _ in range(most if count is None else count):
            await budget.take(share)
    return share


async def started(*work: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Let tasks run as far as they can."""
    tasks = [asyncio.create_task(each) for each in work]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def all_is_free(budget: Budget) -> bool:
    return (await taken(budget, SIZE)).held == SIZE


async def test_what_is_announced_and_has_not_arrived_is_left_to_others() -> None:
    budget = Budget(SIZE)
    stalled = [await taken(budget, SIZE // 2, 1) for _ in range(3)]
    for _ in range(20):
        budget.release(await taken(budget, 4))
    for share in stalled:
        budget.release(share)
    assert await all_is_free(budget)


async def test_half_read_bodies_leave_what_one_of_them_misses() -> None:
    budget = Budget(SIZE)
    first = await taken(budget, 9, 3)
    second = budget.share(9, nothing)
    [waiting] = await started(take(budget, second, 9))
    # Seven are free, of which the first misses six.
    assert second.held == 1
    await take(budget, first, 6)
    budget.release(first)
    await waiting
    assert second.held == 9


async def take(budget: Budget, share: Share, count: int) -> None:
    for _ in range(count):
        await budget.take(share)


async def test_those_that_wait_are_served_in_the_order_in_which_they_asked() -> None:
    budget = Budget(SIZE)
    full = await taken(budget, SIZE)
    order: list[int] = []

    async def body(number: int) -> None:
        share = budget.share(1, nothing)
        await budget.take(share)
        order.append(number)
        budget.release(share)

    tasks = await started(*(body(number) for number in range(5)))
    budget.release(full)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("granted", [False, True], ids=["still waiting", "just granted"])
async def test_a_caller_that_is_cancelled_has_taken_nothing(granted: bool) -> None:
    budget = Budget(SIZE)
    full = await taken(budget, SIZE)
    share = budget.share(3, nothing)
    [waiting] = await started(budget.take(share))
    if granted:
        budget.release(full)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    budget.release(full)
    assert (share.held, share.missing) == (0, 3)
    assert await all_is_free(budget)


@pytest.mark.parametrize("announced", [SIZE - 1, SIZE], ids=["in its last block", "before its last block"])
async def test_a_slow_sender_gives_way_to_one_that_waits(announced: int) -> None:
    budget = Budget(SIZE, check_interval=0.01)
    slow: Share = budget.share(announced, lambda: budget.release(slow))
    await take(budget, slow, SIZE - 1)
    other = await taken(budget, 1)
    assert (await taken(budget, 5)).held == 5
    assert (slow.held, other.held) == (0, 1)


async def test_nobody_gives_way_while_nobody_waits_nor_for_waiting_nor_when_whole() -> None:
    gave_way: list[str] = []
    budget = Budget(SIZE, check_interval=0.01)
    idle = budget.share(5, lambda: gave_way.append("idle"))
    await take(budget, idle, 4)
    await asyncio.sleep(0.05)
    assert gave_way == []
    budget.whole(idle)
    waiting = budget.share(8, lambda: gave_way.append("waiting"))
    tasks = await started(take(budget, waiting, 8))
    await asyncio.sleep(0.05)
    assert (waiting.held, gave_way) == (6, [])
    budget.release(idle)
    await asyncio.gather(*tasks)


# A body: its length in blocks; how many of them arrive; the loop's turns before each and after the last; and
# at which turn its sender goes.
plans = st.lists(
    st.tuples(st.integers(1, SIZE), st.integers(0, SIZE), st.integers(0, 3), st.none() | st.integers(0, 12)),
    max_size=20,
)


@given(plans)
def test_it_is_never_overdrawn_and_every_body_that_arrives_becomes_whole(
    plan: list[tuple[int, int, int, int | None]],
) -> None:
    asyncio.run(run(plan))


async def body(budget: Budget, shares: set[Share], length: int, arrive: int, turns: int) -> None:
    """Take `length` blocks. If fewer arrive, take those and wait until the budget ends the share."""
    stalled = asyncio.Event()
    share = budget.share(length, stalled.set)
    shares.add(share)
    try:
        for _ in range(min(length, arrive)):
            for _ in range(turns):
                await asyncio.sleep(0)
            await budget.take(share)
            assert sum(each.held for each in shares) <= SIZE
        if arrive < length:
            await stalled.wait()
            return
        budget.whole(share)
        for _ in range(turns):
            await asyncio.sleep(0)
    finally:
        budget.release(share)
        shares.discard(share)


async def run(plan: list[tuple[int, int, int, int | None]]) -> None:
    budget, shares = Budget(SIZE, check_interval=0.001), set[Share]()
    tasks = [(asyncio.create_task(body(budget, shares, *each)), each[:2], gone) for *each, gone in plan]
    for turn in range(13):
        await asyncio.sleep(0)
        for task, _, gone in tasks:
            if gone == turn:
                task.cancel()
    # Stalled shares give way, so that all others finish.
    lasting = [task for task, (length, arrive), _ in tasks if arrive >= length]
    if lasting:
        await asyncio.wait(lasting, timeout=30)
    assert all(task.done() for task in lasting)
    for task, *_ in tasks:
        task.cancel()
    ended = await asyncio.gather(*(task for task, *_ in tasks), return_exceptions=True)
    assert {type(each) for each in ended} <= {type(None), asyncio.CancelledError}
    assert await all_is_free(budget)
