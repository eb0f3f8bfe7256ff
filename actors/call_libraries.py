"""The libraries that only calls need: imported in a thread, so that no login waits for them."""

import asyncio
import threading
from concurrent.futures import Future
from functools import cache

from .. import media
from .garbage_collection import freeze_loaded


class CallLibrariesError(Exception):
    """The libraries can't be imported; the message says why and what to do."""


async def call_libraries() -> None:
    """Return once everything that a call needs is imported.

    The first who asks has it imported, in a thread: it takes about as long as the rest of a start.
    Others wait for the same import. Once it is done, it returns at once.

    Raises:
        CallLibrariesError: A library is missing, or can't be imported.
    """
    imported = _imported()
    if imported.done():
        imported.result()
    else:
        await asyncio.wrap_future(imported)


@cache
def _imported() -> "Future[None]":
    future: Future[None] = Future()
    future.set_running_or_notify_cancel()  # who waits no longer must not cancel it for the others
    # No daemon: Python must not end while a library is being set up.
    threading.Thread(target=_work, args=(future,), name="import of what calls need").start()
    return future


def _work(future: "Future[None]") -> None:
    try:
        _import()
    except Exception as error:
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        why = f"calls can't be taken or placed, as what they need can't be imported ({words})"
        future.set_exception(CallLibrariesError(f"{why}: install callboard again"))
    else:
        freeze_loaded()
        future.set_result(None)


def _import() -> None:
    from .call.call import Call  # noqa: F401, PLC0415 - aiortc and av come with it
    from .joining.bridge import Bridge  # noqa: F401, PLC0415
    from .joining.room import Room  # noqa: F401, PLC0415

    for name in media.__all__:
        getattr(media, name)
