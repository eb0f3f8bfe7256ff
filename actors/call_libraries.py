"""What only calls need: imported in a thread, so that no login waits for it."""

import asyncio
import threading
from concurrent.futures import Future
from functools import cache
from typing import NamedTuple

from .. import media
from . import messages
from .garbage_collection import freeze_loaded
from .runtime.message import compile_all


class CallLibrariesError(Exception):
    """The libraries can't be imported; the message says why and what to do."""


async def call_libraries() -> None:
    """Return once everything that a call needs is imported.

    The first who asks has it imported, in a thread: it takes about as long as the rest of a start.
    Others wait for the same import. Once it is done, it returns at once.

    Raises:
        CallLibrariesError: A library is missing, or can't be imported.
    """
    await _done(_imported().libraries)


async def call_messages() -> None:
    """Return once what is said of calls is imported: `callboard.actors.messages.call`, and so on.

    It comes before the libraries, and takes a twentieth of their time.

    Raises:
        CallLibrariesError: It can't be imported.
    """
    await _done(_imported().messages)


def has_call_messages() -> bool:
    """Tell whether `call_messages` returns at once."""
    return _imported().messages.done()


class _Imported(NamedTuple):
    """What is imported, one after the other; each is done when it is."""

    messages: "Future[None]"
    libraries: "Future[None]"


async def _done(imported: "Future[None]") -> None:
    if imported.done():
        imported.result()
    else:
        await asyncio.wrap_future(imported)


@cache
def _imported() -> _Imported:
    imported = _Imported(Future(), Future())
    for one in imported:
        one.set_running_or_notify_cancel()  # who waits no longer must not cancel it for the others
    # No daemon: Python must not end while a library is being set up.
    threading.Thread(target=_work, args=(imported,), name="import of what calls need").start()
    return imported


def _work(imported: _Imported) -> None:
    try:
        _import_messages()
        imported.messages.set_result(None)
        _import()
    except Exception as error:
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        why = f"calls can't be taken or placed, as what they need can't be imported ({words})"
        failure = CallLibrariesError(f"{why}: install callboard again")
        for one in imported:
            if not one.done():
                one.set_exception(failure)
    else:
        freeze_loaded()
        imported.libraries.set_result(None)


def _import_messages() -> None:
    for name in messages.LATE:
        getattr(messages, name)
    from .conversation import Conversation  # noqa: F401, PLC0415


def _import() -> None:
    from .call.call import Call  # noqa: F401, PLC0415 - aiortc and av come with it
    from .joining.bridge import Bridge  # noqa: F401, PLC0415
    from .joining.room import Room  # noqa: F401, PLC0415

    for name in media.__all__:
        getattr(media, name)
    compile_all()
