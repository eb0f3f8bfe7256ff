"""Text and bytes next to the media."""

import pytest
from callboard.media import (
    ClockPattern,
    Closed,
    DataChannelError,
    DataClosed,
    DataOpened,
    DataReceived,
    Tone,
)
from callboard.media.rtc import data_channel
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call
from callboard.tests.media.parties import add_video, jingle_call
from callboard.tests.media.rtc.test_ice_restart import restart


def messages(leg: Leg) -> list[str | bytes]:
    return [event.data for event in leg.events if isinstance(event, DataReceived)]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("bundled", [True, False])
def test_text_and_bytes_go_both_ways(run: Run, bundled: bool, loop: str) -> None:
    async def main() -> None:
        async with jingle_call(bundled=bundled, data=True) as (a, b):
            assert (await a.leg.event(DataOpened)).label == "callboard"
            assert (await b.leg.event(DataOpened)).label == "callboard"
            sent: list[str | bytes] = ["grüß dich", b"\x00\xff", "", b"", "x" * 65536, bytes(65536)]
            for data in sent:
                a.leg.pc.data.send(data)
                b.leg.pc.data.send(data)
            for leg in (a.leg, b.leg):
                await leg.until(lambda leg=leg: len(messages(leg)) == len(sent))  # type: ignore[misc]
                assert messages(leg) == sent
            await b.leg.received("audio", 5)
        for leg in (a.leg, b.leg):
            kinds = [type(event) for event in leg.events]
            assert kinds[-1] is Closed
            assert kinds.count(DataClosed) == 1

    run(main, loop=loop)  # type: ignore[arg-type]


def test_the_channel_survives_changes_of_the_call(run: Run) -> None:
    async def main() -> None:
        async with jingle_call(data=True) as (a, b):
            await b.leg.event(DataOpened)
            await restart(a, b)
            b.leg.pc.data.send("after the restart")
            await a.leg.event(DataReceived)
            await add_video(b, a, ClockPattern())
            await b.leg.received("video", 3)
            a.leg.pc.data.send("with video")
            await b.leg.event(DataReceived)
            assert messages(a.leg) == ["after the restart"]
            assert messages(b.leg) == ["with video"]

    run(main)


def flood(leg: Leg) -> None:
    for _ in range(1000):
        leg.pc.data.send(bytes(65536))


def test_bounds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with jingle_call(data=True) as (a, b):
            with pytest.raises(ValueError, match="65537 octets is too long"):
                a.leg.pc.data.send("ü" + "x" * 65535)
            await b.leg.event(DataOpened)
            with pytest.raises(DataChannelError, match="slower"):
                flood(b.leg)
            count = len(messages(a.leg))
            await a.leg.until(lambda: len(messages(a.leg)) > count)
            # One who sends too much too fast, or too long a message, loses the channel alone.
            monkeypatch.setattr(data_channel, "MOST_MESSAGES", 3)
            for number in range(40):
                a.leg.pc.data.send(str(number))
            await b.leg.event(DataClosed)
            await b.leg.received("audio", 3)

    run(main)


def test_without_a_channel(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, _):
            with pytest.raises(DataChannelError, match="No data channel"):
                a.pc.data.send("hello")

    run(main)


def test_a_peer_is_kept_to_its_window(run: Run) -> None:
    async def main() -> None:
        async with jingle_call(data=True) as (a, b):
            await a.leg.event(DataOpened)
            await b.leg.event(DataOpened)
            sctp = b.leg.pc._pc.sctp
            assert sctp is not None
            taken = sctp._advertised_rwnd
            sctp._advertised_rwnd = 0
            a.leg.pc.data.send("too much")
            await b.leg.received("audio", 20)
            assert messages(b.leg) == []
            sctp._advertised_rwnd = taken
            await b.leg.event(DataReceived)  # it is sent again

    run(main)
