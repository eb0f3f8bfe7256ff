"""RTP streams that pass aiortc's tasks by: what goes out is whole, and nothing forged comes in."""

import socket
import struct

from callboard.media import Direction, Echo, ReceivePath, Tone
from callboard.media.rtc._aiortc import ice_connections
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call


def port(leg: Leg) -> int:
    """The port that a leg receives on."""
    pc = leg.pc._pc
    return next(one.local_candidates[0].port for one in ice_connections(pc))


def ssrc(leg: Leg) -> int:
    """The stream that a leg hears."""
    found = leg.pc.media.by_kind["audio"].incoming.ssrc
    assert found is not None
    return found


def test_each_frame_is_one_packet_and_none_is_missing(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Echo()) as (a, b):
            await a.received("audio", 50)
            sent = [frame.data for frame in a.seen("audio", Direction.SENT)]
            heard = [frame.data for frame in b.seen("audio")]
            back = [frame.data for frame in a.seen("audio")]
            assert heard == sent[: len(heard)]
            first = heard.index(back[0])  # the echo begins when its own sender has
            assert back == heard[first : first + len(back)]
            assert a.statistics("audio").sent == len(sent)
            assert a.statistics("audio").lost == a.statistics("audio").reordered == 0

    run(main)


def test_what_is_forged_or_repeated_is_not_heard(run: Run) -> None:
    async def main() -> None:
        async with call(ReceivePath.NONE, audio=Tone(440), back_audio=Tone(440)) as (a, b):
            await a.counted("audio", 10)
            forged = struct.pack("!BBHII", 0x80, 96, 30000, 1, ssrc(a)) + bytes(80)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for length in (*range(1, 40), len(forged)):
                    stranger.sendto(forged[:length], ("127.0.0.1", port(a)))
            await a.counted("audio", 30)
            await b.counted("audio", 30)
            found = a.statistics("audio")
            assert found.received <= b.statistics("audio").sent
            assert found.lost == found.reordered == 0

    run(main)


def test_a_leg_that_may_not_send_is_silent(run: Run) -> None:
    async def main() -> None:
        async with call(ReceivePath.NONE, audio=Tone(440), back_audio=Tone(440)) as (a, b):
            await b.counted("audio", 10)
            transceiver = a.pc.media.by_kind["audio"].transceiver
            transceiver.sender._enabled = False
            sent = a.statistics("audio").sent
            await a.counted("audio", a.statistics("audio").received + 20)
            assert a.statistics("audio").sent == sent
            transceiver.sender._enabled = True
            await b.counted("audio", sent + 10)
            assert b.statistics("audio").lost == 0

    run(main)
