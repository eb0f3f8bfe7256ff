"""What a command does when a signal comes, while its loop runs."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def handling(
    handlers: Mapping[int, Callable[[], None]],
    at_once: Mapping[int, Callable[..., None]] | None = None,
) -> Iterator[None]:
    """Have signals call functions meanwhile, and what they called before from then on.

    Args:
        handlers: called on the loop, when it gets to it.
        at_once: called too, wherever Python is just then.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
        if at_once is not None:
            signal.signal(number, at_once[number])  # the loop hears of it all the same
    try:
        yield
    finally:
        for number, earlier in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, earlier)
