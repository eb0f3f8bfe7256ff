"""Tasks that end with their owner."""

import asyncio

import pytest
from callboard.media import MediaClosedError
from callboard.media.rtc.owned_tasks import OwnedTasks, owned
from callboard.tests.conftest import Run


class Owner:
    """Something with work to do."""

    def __init__(self) -> None:
        self.tasks = OwnedTasks()
        self.ended = 0

    @owned
    async def twice(self, number: int) -> int:
        """Return twice a number."""
        if number < 0:
            raise ValueError(number)
        return 2 * number

    @owned
    async def wait(self) -> None:
        """Wait for ever."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended += 1


async def begun(owner: Owner) -> "asyncio.Task[None]":
    """Begin to wait, and go as far as the owner's task does."""
    waiting = asyncio.create_task(owner.wait())
    for _ in range(3):
        await asyncio.sleep(0)
    return waiting


def test_an_owned_method_returns_and_raises_as_it_would(run: Run) -> None:
    async def main() -> None:
        owner = Owner()
        assert await owner.twice(number=21) == 42
        with pytest.raises(ValueError, match="-1"):
            await owner.twice(-1)
        await owner.tasks.close()

    run(main)


def test_what_runs_ends_with_its_owner(run: Run) -> None:
    async def main() -> None:
        owner = Owner()
        waiting = [await begun(owner), await begun(owner)]
        await owner.tasks.close()
        assert owner.ended == 2
        for task in waiting:
            with pytest.raises(MediaClosedError):
                await task

    run(main)


def test_nothing_runs_after_the_end(run: Run) -> None:
    async def main() -> None:
        owner = Owner()
        await owner.tasks.close()
        with pytest.raises(MediaClosedError):
            await owner.twice(1)

    run(main)


def test_who_waits_can_be_cancelled(run: Run) -> None:
    async def main() -> None:
        owner = Owner()
        waiting = await begun(owner)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert owner.ended == 1
        assert await owner.twice(1) == 2
        await owner.tasks.close()

    run(main)


def test_a_task_may_close_its_owner(run: Run) -> None:
    async def main() -> None:
        owner = Owner()
        waiting = await begun(owner)
        await owner.tasks.spawn(owner.tasks.close())
        with pytest.raises(MediaClosedError):
            await waiting

    run(main)
