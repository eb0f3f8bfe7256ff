"""What is to be done some turns of the loop later."""

import asyncio

from callboard.actors.runtime.turns import in_turns
from callboard.tests.conftest import Run


def test_so_many_turns_pass_and_no_more(run: Run) -> None:
    async def main() -> None:
        for count in (0, 1, 7):
            done: list[int] = []
            in_turns(count, lambda done=done: done.append(1))  # type: ignore[misc]
            for _ in range(count):
                assert not done
                await asyncio.sleep(0)
            assert done == [1]

    run(main)
