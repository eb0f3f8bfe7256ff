"""What a connection plays, before anything is connected."""

import asyncio
from typing import Any

import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    Echo,
    Kind,
    MediaBegan,
    MediaClosedError,
    MediaEvent,
    ReceivePath,
    Silence,
    Tone,
)
from callboard.media.frames.frame import KINDS
from callboard.media.rtc.ice.udp_transport import UdpTransport
from callboard.media.rtc.rtp.paced_stream import PacedStream
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call, connect


def test_a_source_that_is_refused_changes_nothing(run: Run) -> None:
    async def main() -> None:
        leg = Leg(ReceivePath.NONE)
        await leg.pc.offer(audio=Tone(), video=None)
        playback = leg.pc.media.playing("audio")
        for source in (Echo(), ClockPattern()):
            with pytest.raises(ValueError, match=r"echo needs|no audio"):
                leg.pc.media.play("audio", source)
            assert leg.pc.media.playing("audio") is playback
        assert leg.pc.media.play("audio", Silence()) is leg.pc.media.playing("audio")
        await leg.pc.close()

    run(main)


ORDERS: dict[str, Any] = {
    "play": lambda media: media.play("audio", Tone()),
    "mute": lambda media: media.mute("audio", True),
    "pause": lambda media: media.pause("audio", True),
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_closed_connection_takes_no_orders(run: Run, order: str) -> None:
    async def main() -> None:
        leg = Leg()
        await leg.pc.offer(audio=Tone(), video=None)
        ORDERS[order](leg.pc.media)
        await leg.pc.close()
        with pytest.raises(MediaClosedError):
            ORDERS[order](leg.pc.media)

    run(main)


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_not_sent_takes_no_orders(run: Run, order: str) -> None:
    async def main() -> None:
        leg = Leg()
        await leg.pc.offer(audio=None, video=ClockPattern())
        with pytest.raises(ValueError, match="sends no audio"):
            ORDERS[order](leg.pc.media)
        leg.pc.media.send_keyframe()
        leg.pc.media.request_keyframe()
        await leg.pc.media.darken("audio")
        await leg.pc.close()

    run(main)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_heard_or_seen_where_all_is_only_counted(run: Run, kind: Kind) -> None:
    async def main() -> None:
        leg = Leg(ReceivePath.NONE)
        await leg.pc.offer(audio=Tone(), video=ClockPattern())
        with pytest.raises(ValueError, match="use the path 'packets'"):
            leg.pc.media.received.frames(kind)
        await leg.pc.close()

    run(main)


def test_who_sends_no_more_has_counted_all(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (a, b):
            await b.received("video", 5)
            a.pc.media.send_no_more()
            counted = {one.kind: one.sent for one in a.pc.media.statistics()}
            a.pc.media.play("audio", Tone(1000))
            a.pc.media.pause("audio", False)
            await a.received("audio", 20)
            for one in a.pc.media.statistics():
                assert one.sent == counted[one.kind]
                assert b.statistics(one.kind).received <= one.sent

    run(main)


def test_a_late_loop_can_set_a_timer_for_pictures_again(run: Run) -> None:
    """What is due within half a millisecond gets a handle of uvloop's that knows no time."""

    async def main() -> None:
        async with call(audio=Tone(), video=ClockPattern()) as (_, leg):
            await leg.received("video", 1)
            incoming = leg.pc.media.by_kind["video"].incoming
            assert incoming._video is not None
            late = asyncio.get_running_loop().time() - 1
            for deadline in (late + 0.4, late + 0.3):
                incoming._video.deadline = deadline
                incoming._look(late)
            await leg.received("video", 1)

    run(main)


class Turns(Leg):
    """Notes in which turn of the loop something happened, from when it was connected."""

    turn = 0
    turns: dict[type[MediaEvent], int]

    def _event(self, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            self.turns = {}
            asyncio.get_running_loop().call_soon(self._next)
        if type(event) in {Connected, MediaBegan}:
            self.turns[type(event)] = self.turn
        super()._event(event)

    def _next(self) -> None:
        self.turn += 1


def test_the_first_frame_leaves_before_anything_else_is_done_with_the_connection(run: Run) -> None:
    """What hears that it is connected has work of its own, and the peer would wait for that."""

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (first, _):
            await first.received("audio", 1)  # what is played is encoded now
            for _ in range(3):
                a, b = Turns(), Turns()
                await connect(a, b, audio=Tone(), video=None, back_audio=Tone())
                await a.event(MediaBegan)
                await b.event(MediaBegan)
                await a.pc.close()
                await b.pc.close()
                assert a.turns == b.turns == {Connected: 0, MediaBegan: 0}

    run(main)


def test_the_first_frame_leaves_before_those_behind_it_are_lent(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    send, lend = UdpTransport.sendto, PacedStream._lend

    def sent(self: UdpTransport, data: Any, addr: Any = None) -> None:
        if 128 <= data[0] < 192:
            order.append("sent")
        send(self, data, addr)

    def lent(self: PacedStream, due: float, apart: float) -> bool:
        order.append("lent")
        return lend(self, due, apart)

    monkeypatch.setattr(UdpTransport, "sendto", sent)
    monkeypatch.setattr(PacedStream, "_lend", lent)

    async def main() -> None:
        async with call(audio=Tone()) as (_, b):
            await b.received("audio", 3)

    run(main)
    assert order[0] == "sent"
    assert "lent" in order
