"""Many actors, and many threads that tell one."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from callboard.actors.runtime.actor import AsyncioActor, AsyncioActorRef
from callboard.actors.runtime.future import AsyncioFuture

OnEachLoop = Callable[[Callable[[], Any]], None]

ACTORS = 10_000
SENDERS = 8
TELLS = 2_000


class Relay(AsyncioActor[int]):
    """Passes a number, plus one, to the next; the last one sets the future."""

    def __init__(self, following: "AsyncioActorRef[int] | AsyncioFuture[int]") -> None:
        super().__init__()
        self.following = following

    def on_receive(self, message: int) -> None:
        if isinstance(self.following, AsyncioFuture):
            self.following.set(message + 1)
        else:
            self.following.tell(message + 1)


@pytest.mark.timeout(300)
def test_ten_thousand_actors_pass_a_number_on(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        end: AsyncioFuture[int] = AsyncioFuture()
        refs = [Relay.start(end)]
        for count in range(1, ACTORS):
            refs.append(Relay.start(refs[-1]))
            if count % 100 == 0:
                await refs[-1].started
        refs[-1].tell(0)
        assert await end == ACTORS
        # Pykka's registry is a list: the first started is found first.
        for count, ref in enumerate(refs):
            ref.stop(block=False)
            if count % 100 == 0:
                await asyncio.sleep(0)
        for ref in refs:
            assert await ref.ended is None

    on_each_loop(main)


class Collector(AsyncioActor):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[list[int]] = [[] for _ in range(SENDERS + 1)]

    async def on_receive(self, message: tuple[int, int]) -> None:
        if message[1] % 7 == 0:
            await asyncio.sleep(0)
        self.heard[message[0]].append(message[1])


def test_tells_of_eight_threads_and_the_loop_keep_each_senders_order(
    on_each_loop: OnEachLoop,
) -> None:
    async def main() -> None:
        ref = Collector.start()
        heard = await ref.proxy().heard

        def send(sender: int) -> None:
            for number in range(TELLS):
                ref.tell((sender, number))

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
        for thread in threads:
            thread.start()
        for number in range(TELLS):
            ref.tell((SENDERS, number))
            if number % 50 == 0:
                await asyncio.sleep(0)
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await ref.stop(block=False)
        assert heard == [list(range(TELLS))] * (SENDERS + 1)

    on_each_loop(main)
