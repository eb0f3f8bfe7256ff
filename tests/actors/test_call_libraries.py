"""Calls that come while what they need is still being imported."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache

import pytest
from callboard.actors import call_libraries as libraries
from callboard.actors.call_libraries import CallLibrariesError, call_libraries
from callboard.actors.messages.account import RouteCall
from callboard.jingle import Propose, Retract
from callboard.tests.actors.test_conversation import Scene
from callboard.tests.conftest import Run

#: What keeps an import from its end, and how it is told.
FAULTS: list[tuple[Callable[[], BaseException], str]] = [
    (lambda: ModuleNotFoundError("No module named 'av'"), "No module named 'av'"),
    (lambda: ImportError("libavcodec.so.61: cannot open shared object file"), "libavcodec.so.61"),
    (lambda: AttributeError("module 'numpy' has no attribute 'int16'"), "AttributeError: module"),
    (lambda: OSError(12, "Cannot allocate memory"), "Cannot allocate memory"),
]


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be imported yet."""
    monkeypatch.setattr(libraries, "_imported", cache(libraries._imported.__wrapped__))


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> "Future[None]":
    """Let the libraries' import go on until the future is done; the messages are there."""
    imported = libraries._Imported(Future(), Future())
    imported.messages.set_result(None)
    imported.libraries.set_running_or_notify_cancel()
    monkeypatch.setattr(libraries, "_imported", lambda: imported)
    return imported.libraries


def test_a_call_that_comes_meanwhile_rings_afterwards(
    run: Run, importing: "Future[None]", staged: None
) -> None:
    async def main() -> None:
        scene = Scene()
        scene.hears(Propose("sid", ("audio",)))
        scene.hears(Propose("other", ("audio",)))
        scene.hears(Retract("other"))
        placed = scene.orders()
        await scene.settle()
        assert not scene.told
        importing.set_result(None)
        await placed
        await scene.settle()
        assert [one.sid for one in scene.all(RouteCall)][:2] == ["sid", "other"]
        assert scene.said().count("ringing") == 1  # the other one was taken back
        await scene.end()

    run(main, loop="virtual")


def test_a_conversation_ends_if_there_are_no_libraries(run: Run, importing: "Future[None]") -> None:
    async def main() -> None:
        scene = Scene()
        scene.hears(Propose("sid", ("audio",)))
        importing.set_exception(CallLibrariesError("no av"))
        with pytest.raises(CallLibrariesError):
            await scene.ref.started
        await scene.end()
        assert not scene.told

    run(main)


def test_a_conversation_can_be_ended_meanwhile(run: Run, importing: "Future[None]") -> None:
    async def main() -> None:
        scene = Scene()
        scene.hears(Propose("sid", ("audio",)))
        await scene.settle()
        scene.ref.kill()
        await scene.end()
        assert not scene.told
        importing.set_result(None)

    run(main)


def test_all_wait_for_one_import_whoever_gives_up(
    run: Run, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    go_on: Future[None] = Future()

    def imports() -> None:
        begun.append("imported")
        go_on.result(10)

    monkeypatch.setattr(libraries, "_import", imports)

    async def main() -> None:
        waiting = [asyncio.create_task(call_libraries()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        go_on.set_result(None)
        await asyncio.gather(*waiting[1:])
        await call_libraries()
        assert begun == ["imported"]

    run(main)


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_it_is_said_why_nothing_can_be_imported(
    run: Run,
    anew: None,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[], BaseException],
    words: str,
) -> None:
    def imports() -> None:
        raise fault()

    monkeypatch.setattr(libraries, "_import", imports)

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(CallLibrariesError, match="install callboard again") as caught:
                await call_libraries()
            assert words in str(caught.value)

    run(main)
