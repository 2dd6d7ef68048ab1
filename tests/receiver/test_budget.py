"""The budget of bytes: never overdrawn, first come first served, nothing lost when a waiter goes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.budget import Budget


async def test_what_fits_is_given_at_once_and_the_rest_waits_its_turn() -> None:
    budget = Budget(10)
    order = []

    async def take(name: str, size: int) -> None:
        await budget.acquire(size)
        order.append(name)

    await take("first", 6)
    tasks = [asyncio.create_task(take("large", 8)), asyncio.create_task(take("small", 2))]
    await asyncio.sleep(0)
    assert order == ["first"]
    budget.release(6)
    await asyncio.gather(*tasks)
    assert order == ["first", "large", "small"]


async def test_a_waiter_that_goes_makes_room_for_the_next() -> None:
    budget = Budget(10)
    await budget.acquire(6)
    large = asyncio.create_task(budget.acquire(8))
    small = asyncio.create_task(budget.acquire(2))
    await asyncio.sleep(0)
    large.cancel()
    await small
    with pytest.raises(asyncio.CancelledError):
        await large
    budget.release(6)
    budget.release(2)
    await budget.acquire(10)


async def test_a_waiter_that_goes_when_it_has_just_been_given_gives_back() -> None:
    budget = Budget(10)
    await budget.acquire(10)
    waiter = asyncio.create_task(budget.acquire(10))
    await asyncio.sleep(0)
    budget.release(10)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    async with asyncio.timeout(1):
        await budget.acquire(10)


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(0, 3), st.booleans()), max_size=25))
def test_it_is_never_overdrawn_and_all_is_given_back(plan: list[tuple[int, int, bool]]) -> None:
    async def run() -> None:
        budget, held, most = Budget(10), 0, 0

        async def hold(size: int, turns: int) -> None:
            nonlocal held, most
            await budget.acquire(size)
            held += size
            most = max(most, held)
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                held -= size
                budget.release(size)

        tasks = [(asyncio.create_task(hold(size, turns)), gone) for size, turns, gone in plan]
        await asyncio.sleep(0)
        for task, gone in tasks:
            if gone:
                task.cancel()
        await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        assert most <= 10
        assert held == 0
        async with asyncio.timeout(1):
            await budget.acquire(10)

    asyncio.run(run())
