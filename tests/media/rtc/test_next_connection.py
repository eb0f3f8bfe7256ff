"""The connection of the next call is there before the call, and is of no other call."""

import asyncio

import pytest
from callboard.media.rtc import next_connection
from callboard.media.rtc.next_connection import AFTER, KEPT, NextConnection
from callboard.tests.conftest import Run


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what was made, in order."""
    found: list[object] = []
    make = next_connection._made

    def noted() -> object:
        found.append(make())
        return found[-1]

    monkeypatch.setattr(next_connection, "_made", noted)
    return found


def test_the_next_one_is_made_when_the_call_has_begun(run: Run, made: list[object]) -> None:
    async def main() -> None:
        first = NextConnection.running().take()
        assert made == [first]
        await asyncio.sleep(2 * AFTER)
        assert len(made) == 2
        await asyncio.sleep(20 * AFTER)
        assert len(made) == 2  # one is enough
        assert NextConnection.running().take() is made[1]
        assert len(made) == 2

    run(main, loop="virtual")


def test_many_at_once_get_one_each(run: Run, made: list[object]) -> None:
    async def main() -> None:
        for _ in range(2):  # without one that is ready, then with one
            taken = [NextConnection.running().take() for _ in range(5)]
            assert len({id(each) for each in taken}) == 5
            await asyncio.sleep(2 * AFTER)
        assert len(made) == 11

    run(main, loop="virtual")


def test_one_that_has_waited_for_long_is_not_taken(run: Run, made: list[object]) -> None:
    async def main() -> None:
        NextConnection.running().take()
        await asyncio.sleep(2 * AFTER)
        await asyncio.sleep(KEPT)
        assert NextConnection.running().take() not in made[:2]

    run(main, loop="virtual")


def test_each_has_a_certificate_of_its_own(run: Run) -> None:
    async def main() -> None:
        fingerprints = set()
        for _ in range(3):
            pc = NextConnection.running().take()
            transport = pc.addTransceiver("audio").receiver.transport
            fingerprints.add(transport.getLocalParameters().fingerprints[0].value)
            await pc.close()
            await asyncio.sleep(2 * AFTER)
        assert len(fingerprints) == 3

    run(main, loop="virtual")
