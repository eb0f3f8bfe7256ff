"""Several packets of a leg that leave at once."""

from callboard.media import Tone
from callboard.media.rtc._aiortc.way_out import WayOut
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call


def packets(payloads: list[bytes]) -> list[bytes]:
    """Give RTP packets of one stream with these payloads, in the codec of the sound."""
    head = b"\x80\x60"
    return [
        head + number.to_bytes(2) + (960 * number).to_bytes(4) + bytes(3) + b"\7" + payload
        for number, payload in enumerate(payloads, 1)
    ]


def burst(leg: Leg, payloads: list[bytes]) -> bool:
    """Send them where the packets of a leg's sound go out."""
    sender = leg.pc._pc.getTransceivers()[0].sender
    return WayOut(sender).send(packets(payloads))


def test_a_burst_comes_whole_and_in_order(run: Run) -> None:
    sent = [bytes([number]) * 100 for number in range(1, 9)]

    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            assert burst(a, sent)
            await b.until(lambda: len(ours(b)) == len(sent))
            assert ours(b) == sent

    def ours(leg: Leg) -> list[bytes]:
        return [frame.data for frame in leg.seen("audio") if frame.data in sent]

    run(main)


def test_nothing_goes_where_nobody_is(run: Run) -> None:
    async def main() -> None:
        a = Leg()
        await a.pc.offer(audio=Tone(), video=None)
        assert not burst(a, [b"lost"])
        await a.pc.close()
        async with call(audio=Tone(), back_audio=Tone()) as (a, _):
            await a.pc.close()
            assert not burst(a, [b"lost"])

    run(main)
