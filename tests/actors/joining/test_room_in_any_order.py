"""Calls that come to a room, leave it, end and close it, all at once and in whichever order.

The calls are real and so is what they record; their network is staged.
"""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import av
import pytest
from callboard.actors.messages.call import Hangup
from callboard.actors.records.call_record import CallRecord
from callboard.bots import Call, CallOver, Room
from callboard.media import MediaClosedError, ReceivePath, Silence, Writer
from callboard.media.rtc.connection_media import ConnectionMedia
from callboard.tests.actors.call.scene import Media, Scene, connected
from callboard.tests.conftest import Run
from callboard.tests.media.joining.test_bridging_in_any_order import Line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Seconds in which a promise that is kept is kept, on the busiest machine.
PATIENCE = 20.0
CALLS = 3


class QuietLine(Line):
    """A line of which nothing is counted."""

    negotiated = False

    def flows(self, _: object) -> bool:
        return True

    def freezes(self) -> Any:
        return SimpleNamespace(last=())


class Connection(Media):
    """A connection whose network does nothing; its media are real."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._last_words = given["last_words"]
        Media.last = self
        media = ConnectionMedia(
            ReceivePath.PACKETS,
            largest_picture=1,
            on_event=given["on_event"],
        )
        line: Any = QuietLine("audio")
        media.by_kind["audio"] = line
        line.outgoing = media.outgoing("audio", Silence())
        line.outgoing.start()
        self.media: Any = media

    async def close(self) -> None:
        self.media.stop()
        self.media.by_kind["audio"].outgoing.close(self._last_words)


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callboard.actors.call.leg.PeerConnection", Connection)


class Meeting:
    """A room, and those who might come."""

    def __init__(self, folder: Path, writer: Writer) -> None:
        self.room = Room(record="mix")
        self.scenes = [Scene(folder=folder, writer=writer) for _ in range(CALLS)]
        self.calls: list[Call] = []
        self.asked: list[asyncio.Task[Any]] = []

    async def begin(self, folder: Path) -> None:
        for scene in self.scenes:
            await connected(scene)
            await scene.settle()
            self.calls.append(await Call.of(scene.call, folder))

    def does(self, what: str, which: int) -> None:
        """Begin to do something, and do not wait for it."""
        self.asked.append(asyncio.ensure_future(DOES[what](self.room, self.calls[which])))

    async def settle(self) -> None:
        """Wait for everything that was begun: each is done, or says why not."""
        done, pending = await asyncio.wait(self.asked, timeout=PATIENCE)
        assert not pending
        for each in done:
            with suppress(ValueError, CallOver):
                each.result()

    async def mixed(self) -> None:
        """Wait for sound in the mix."""
        assert self.room._ref is not None
        actor: Any = self.room._ref._actor_weakref()
        async with asyncio.timeout(PATIENCE):
            while not actor._recorders._frames:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)

    async def end(self) -> list[CallRecord]:
        """Hang up; return the records."""
        for scene in self.scenes:
            scene.call.post(Hangup())
        for scene in self.scenes:
            await scene.end()
        return [record for scene in self.scenes for record in scene.records]


DOES: dict[str, Callable[[Room, Call], Coroutine[Any, Any, Any]]] = {
    "add": lambda room, call: room.add(call),
    "add a listener": lambda room, call: room.add(call, speaks=False),
    "remove": lambda room, call: room.remove(call),
    "mute": lambda room, call: room.mute(call),
    "unmute": lambda room, call: room.mute(call, on=False),
    "look": lambda room, _: room.speakers(),
    "close": lambda room, _: room.close(),
    "hang up": lambda _, call: call.hangup(),
}
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", *DOES]),
        st.integers(0, CALLS - 1),
        st.sampled_from([0, 0, 0, 1, 2, 3, 5, 30]),
    ),
    min_size=2,
    max_size=14,
)


def test_whatever_happens_at_once_each_is_told_and_each_mix_is_known(run: Run) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(ORDERS)
    def holds(orders: list[tuple[str, int, int]]) -> None:
        with TemporaryDirectory() as name, Writer() as writer:
            run(lambda: main(orders, Path(name), writer))

    async def main(orders: list[tuple[str, int, int]], folder: Path, writer: Writer) -> None:
        meeting = Meeting(folder, writer)
        await meeting.begin(folder)
        for what, which, pause in orders:
            meeting.does(what, which)
            if pause == 30:
                await asyncio.sleep(0.03)
            for _ in range(pause % 30):
                await asyncio.sleep(0)
        await meeting.settle()
        async with asyncio.timeout(PATIENCE):
            outcome = await meeting.room.close()
        assert await meeting.room.speakers() == []
        check_mixes(await meeting.end(), folder, None if outcome is None else outcome.path)

    holds()


def check_mixes(records: list[CallRecord], folder: Path, last: Path | None) -> None:
    """Each mix stands in a record, whole; and in each as one."""
    assert len(records) == CALLS
    named = [one for record in records for one in record.recordings]
    assert {one.direction for one in named} <= {"mix"}
    for record in records:
        paths = [one.path for one in record.recordings if one.path is not None]
        assert len(paths) == len(set(paths))
    files = {str(path) for path in folder.iterdir()}
    assert files == {one.path for one in named if one.path is not None and one.octets}
    assert last is None or str(last) in files
    for one in named:
        if one.octets:
            with av.open(str(one.path)) as container:
                decoded = sum(frame.samples for frame in container.decode(audio=0))
            assert decoded / 48_000 == pytest.approx(one.seconds, abs=0.1)
            assert one.octets == Path(str(one.path)).stat().st_size


def test_a_call_that_comes_as_the_room_is_closed_keeps_nobody_waiting(
    run: Run, tmp_path: Path
) -> None:
    async def main(writer: Writer, yields: int) -> None:
        meeting = Meeting(tmp_path, writer)
        await meeting.begin(tmp_path)
        await meeting.room.add(meeting.calls[0])
        await meeting.mixed()
        first = meeting.room.path
        meeting.does("close", 0)
        for _ in range(yields):
            await asyncio.sleep(0)
        meeting.does("add", 1)
        await meeting.settle()
        outcome = meeting.asked[0].result()
        assert outcome.path == first
        assert outcome.seconds > 0
        await meeting.room.close()
        check_mixes(await meeting.end(), tmp_path, first)

    with Writer() as writer:
        for yields in range(8):
            run(lambda yields=yields: main(writer, yields))  # type: ignore[misc]
            shutil.rmtree(tmp_path)
            tmp_path.mkdir()


def test_media_that_are_closed_already_are_not_let_in(run: Run, tmp_path: Path) -> None:
    async def main(writer: Writer) -> None:
        meeting = Meeting(tmp_path, writer)
        await meeting.begin(tmp_path)
        Media.last.media.stop()
        with pytest.raises(MediaClosedError):
            Media.last.media.play("audio", Silence())
        with pytest.raises(CallOver):
            await meeting.room.add(meeting.calls[-1])
        assert await meeting.room.close() is None
        check_mixes(await meeting.end(), tmp_path, None)

    with Writer() as writer:
        run(lambda: main(writer))
