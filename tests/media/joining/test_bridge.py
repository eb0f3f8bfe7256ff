"""Two legs that hear and see each other."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    Direction,
    EncodedFrame,
    Silence,
    Tone,
    read_clock,
)
from callboard.media.frames.frame import KINDS
from callboard.media.joining.bridge import BridgeMedia
from callboard.media.joining.room import RoomMedia
from callboard.media.rtc.connection_media import ConnectionMedia
from callboard.media.rtc.rtp.telephone_event import DigitBegan, DigitEnded
from callboard.media.rtc.rtp.video.allowed_bit_rate import AllowedBitRate
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, connect, pictures, pitch, samples


def only(*names: str) -> Callable[[str], str]:
    """Let an answer take these codecs and no others."""
    known = (*names, "telephone-event")

    def change(sdp: str) -> str:
        kept = []
        for section in re.split(r"(?m)^(?=m=)", sdp):
            codecs = dict(re.findall(r"(?m)^a=rtpmap:(\d+) ([\w-]+)/", section))
            wanted = [number for number, name in codecs.items() if name in known]
            if not section.startswith(("m=audio", "m=video")):
                kept.append(section)
                continue
            first = rf"\1 {' '.join(wanted)}"
            fewer = re.sub(r"(?m)^(m=\S+ \S+ \S+)( \d+)+", first, section, count=1)
            drop = "|".join(set(codecs) - set(wanted)) or "none"
            kept.append(re.sub(rf"(?m)^a=(rtpmap|fmtp|rtcp-fb):({drop}) .*\r?\n", "", fewer))
        return "".join(kept)

    return change


Ends = tuple[Leg, Leg]


@asynccontextmanager
async def two_calls(
    one: tuple[str, ...] = ("opus", "VP8"), other: tuple[str, ...] = ("opus", "VP8")
) -> AsyncIterator[tuple[Ends, Ends]]:
    """Two calls with ours and the peer's leg each; the peers send 400 and 700 Hz and a clock."""
    legs = [Leg() for _ in range(4)]
    try:
        for number, (codecs, hertz) in enumerate(((one, 400), (other, 700))):
            ours, peer = legs[2 * number : 2 * number + 2]
            await connect(
                ours,
                peer,
                audio=Silence(),
                video=Silence(),
                back_audio=Tone(hertz),
                back_video=ClockPattern(160 + 16 * number, 128, 10),
                change=only(*codecs),
            )
            await ours.event(Connected)
            await peer.event(Connected)
        yield (legs[0], legs[1]), (legs[2], legs[3])
    finally:
        await asyncio.gather(*(leg.pc.close() for leg in legs))


async def sees(peer: Leg, width: int) -> None:
    """Wait until a peer can read a clock in pictures of this width."""
    while True:
        before = len(peer.seen("video"))
        await peer.received("video", 12)
        frames = peer.seen("video")[before:]
        if any(frame.keyframe for frame in frames):
            shown = pictures(frames)
            if shown and shown[-1].shape[1] == width:
                assert read_clock(shown[-1]) is not None
                return
        peer.pc.media.request_keyframe()


def loudness(leg: Leg) -> float:
    """How loud the tone is that a leg hears now."""
    wave, _ = samples(leg.seen("audio")[-25:])
    return float(np.sqrt(np.mean(wave[len(wave) // 2 :] ** 2)))


async def hears(peer: Leg, hertz: int) -> None:
    while abs(pitch((await peer.received("audio", 30))[10:]) - hertz) > 5:
        pass


CODECS = [
    (("opus", "VP8"), ("opus", "VP8"), set()),
    (("opus", "VP8"), ("PCMU", "VP8"), {"audio"}),
    (("opus", "VP8"), ("opus", "H264"), {"video"}),
    (("PCMA", "H264"), ("PCMU", "VP8"), {"audio", "video"}),
]


@pytest.mark.parametrize(("one", "other", "transcoded"), CODECS)
def test_each_hears_and_sees_the_other(
    run: Run, one: tuple[str, ...], other: tuple[str, ...], transcoded: set[str]
) -> None:
    async def main() -> None:
        async with two_calls(one, other) as ((a, alice), (b, bob)):
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await asyncio.gather(hears(alice, 700), hears(bob, 400))
            for heard, said in ((alice, b), (bob, a)):
                assert loudness(heard) == pytest.approx(loudness(said), rel=0.15)
            await asyncio.gather(sees(alice, 176), sees(bob, 160))
            assert bridge.transcoded == transcoded
            for peer in (alice, bob):
                for kind in KINDS:
                    frames = peer.seen(kind)
                    assert all(b.timestamp > a.timestamp for a, b in pairwise(frames))
                    assert {frame.codec for frame in frames} <= set(one) | set(other)
                sound = peer.seen("audio")[-30:]
                steps = Counter(b.timestamp - a.timestamp for a, b in pairwise(sound))
                assert steps.most_common(1)[0][0] == sound[-1].clock_rate // 50
            bridge.close()
            await alice.received("audio", 20)
            before = len(alice.seen("audio"))
            await alice.received("audio", 20)
            assert quiet(alice.seen("audio")[before:])

    run(main)


@pytest.mark.parametrize("asks", ["we", "the peer"])
@pytest.mark.parametrize("codecs", [("opus", "VP8"), ("PCMU", "H264"), ("PCMA", "VP8")])
def test_a_second_leg_that_prefers_what_the_first_one_has_is_not_transcoded(
    run: Run, codecs: tuple[str, ...], asks: str
) -> None:
    async def main() -> None:
        legs = [Leg() for _ in range(4)]
        a, alice, b, bob = legs
        sources: dict[str, Any] = {"audio": Silence(), "video": Silence()}
        shows: dict[str, Any] = {"audio": Tone(700), "video": ClockPattern(176, 128, 10)}
        try:
            offer = await alice.pc.offer(audio=Tone(400), video=ClockPattern(160, 128, 10))
            await alice.pc.accept(await a.pc.answer(only(*codecs)(offer), **sources))
            prefer = tuple(a.pc.media.codecs(Direction.SENT).values())
            assert prefer == codecs
            if asks == "we":
                offer = await b.pc.offer(**sources, prefer=prefer)
                await b.pc.accept(await bob.pc.answer(offer, **shows))
            else:
                offer = await bob.pc.offer(**shows)
                await bob.pc.accept(await b.pc.answer(offer, **sources, prefer=prefer))
            await asyncio.gather(*(leg.event(Connected) for leg in legs))
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await asyncio.gather(sees(alice, 176), sees(bob, 160), hears(alice, 700))
            await hears(bob, 400)
            assert not bridge.transcoded
            for kind, codec in zip(KINDS, codecs, strict=True):
                assert {frame.codec for frame in bob.seen(kind)} == {codec}
            bridge.close()
        finally:
            await asyncio.gather(*(leg.pc.close() for leg in legs))

    run(main)


def quiet(frames: list[EncodedFrame]) -> bool:
    return all(len(frame.data) < 20 or len(set(frame.data)) == 1 for frame in frames)


def test_pictures_begin_with_a_key_frame_that_is_asked_for_once(run: Run) -> None:
    async def main() -> None:
        async with two_calls() as ((a, alice), (b, _)):
            await b.received("video", 15)
            at = len(alice.seen("video"))
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await alice.until(lambda: any(wide(frame) for frame in alice.seen("video")[at:]))
            first = next(frame for frame in alice.seen("video")[at:] if len(frame.data) > 200)
            assert first.keyframe
            assert wide(first)
            bridge.close()

    run(main)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_who_asks_for_a_key_frame_gets_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    # An encoder begins anew, with a key frame, when this changes.
    monkeypatch.setattr(ConnectionMedia, "bit_rate", lambda _: 300_000)

    async def main() -> None:
        asked = asyncio.Event()
        async with two_calls(other=("opus", codec)) as ((a, _), (b, bob)):
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await sees(bob, 160)
            monkeypatch.setattr(a.pc.media, "request_keyframe", asked.set)
            at = len(bob.seen("video"))
            bob.pc.media.request_keyframe()
            if codec == "VP8":  # it goes on as it comes: its origin makes key frames anyway
                await asked.wait()
            else:
                await bob.until(lambda: any(frame.keyframe for frame in bob.seen("video")[at:]))
                assert not asked.is_set(), "our encoder can make one"
            bridge.close()

    run(main)


BREAKS: dict[str, Callable[[ConnectionMedia, bool], None]] = {
    "mute": lambda media, on: media.mute("video", on),
    "hold": lambda media, on: media.hold("video", on),
    "pause": lambda media, on: media.pause("video", on),
}


@pytest.mark.parametrize("what", BREAKS)
def test_pictures_begin_with_a_key_frame_after_a_break(run: Run, what: str) -> None:
    async def main() -> None:
        async with two_calls() as ((a, alice), (b, _)):
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await sees(alice, 176)
            BREAKS[what](a.pc.media, True)
            missed = next(f for f in await b.received("video", 12) if not f.keyframe)
            at = len(alice.seen("video"))
            BREAKS[what](a.pc.media, False)
            for take in b.pc.media.received.receivers:
                take(missed)  # the next one comes before the key frame
            await alice.until(lambda: any(map(wide, alice.seen("video")[at:])))
            of_bob = {frame.data for frame in b.seen("video")}
            shown = [frame for frame in alice.seen("video")[at:] if frame.data in of_bob]
            assert wide(shown[0])
            bridge.close()

    run(main)


def wide(frame: EncodedFrame) -> bool:
    """Whether it is a key frame of Bob's picture (RFC 6386 §9.1)."""
    return frame.keyframe and int.from_bytes(frame.data[6:8], "little") & 0x3FFF == 176


def test_keys_are_passed_on_for_as_long_as_they_are_pressed(run: Run) -> None:
    async def main() -> None:
        async with two_calls() as ((a, alice), (b, bob)):
            digits: list[str] = []
            ended = asyncio.Event()

            def hear(event: object) -> None:
                if isinstance(event, DigitEnded):
                    digits.append(event.digit)
                    if len(digits) == 3:
                        ended.set()

            bob.pc.media.digit_listeners.append(hear)
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            alice.pc.media.press("1#5", 0.1)
            await ended.wait()
            assert digits == ["1", "#", "5"]
            [held] = alice.pc.media.press("7", None)
            await bob.until(lambda: "7" in told(bob, DigitBegan))
            await bob.received("video", 10)
            assert "7" not in told(bob, DigitEnded)
            held.release()
            await bob.until(lambda: "7" in told(bob, DigitEnded))
            bridge.close()

    run(main)


def told(leg: Leg, kind: type[DigitBegan] | type[DigitEnded]) -> list[str]:
    """The keys whose beginning or end a leg has heard."""
    return [event.digit for event in leg.events if isinstance(event, kind)]


def bridged(*legs: Leg) -> BridgeMedia:
    one, other = legs
    return BridgeMedia(one.pc.media, other.pc.media)


def in_a_room(*legs: Leg) -> RoomMedia:
    room = RoomMedia(tones=False)
    for leg in legs:
        room.add(leg.pc.media)
    return room


@pytest.mark.parametrize("join", [bridged, in_a_room])
def test_sound_goes_on_when_it_is_added_again_in_another_codec(
    run: Run, join: Callable[..., BridgeMedia | RoomMedia]
) -> None:
    async def main() -> None:
        async with two_calls(("opus", "VP8"), ("PCMU", "VP8")) as ((a, alice), (b, bob)):
            joined = join(a, b)
            await hears(bob, 400)
            for leg in (b, bob):
                await leg.pc.withdraw(["audio"])
            await a.received("audio", 5)
            offer = await b.pc.offer_more(audio=Silence())
            answer = await bob.pc.answer(offer, audio=Tone(700), video=None)
            await b.pc.accept(only("PCMA", "VP8")(answer))
            await bob.until(lambda: any(f.codec == "PCMA" for f in bob.seen("audio")))
            at = next(n for n, f in enumerate(bob.seen("audio")) if f.codec == "PCMA")
            await bob.received("audio", 60)
            heard = bob.seen("audio")[at + 10 :]
            assert {frame.codec for frame in heard} == {"PCMA"}
            assert abs(pitch(heard) - 400) < 5
            assert all(b.timestamp > a.timestamp for a, b in pairwise(heard))
            await hears(alice, 700)
            joined.close()

    run(main)


def test_joining_and_parting_leaves_nothing(run: Run) -> None:
    async def main() -> None:
        async with two_calls(("opus", "VP8"), ("PCMU", "H264")) as ((a, _), (b, _)):
            for _ in range(100):
                bridge = BridgeMedia(a.pc.media, b.pc.media)
                await asyncio.sleep(0)
                bridge.close()
                bridge.close()
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await a.received("video", 3)
            bridge.close()
            for leg in (a, b):
                assert not leg.pc.media.received.receivers
                assert not leg.pc.media.digit_listeners
                assert not leg.pc.media.received._ear._hearings

    run(main)


def test_a_leg_that_closes_harms_the_other_in_nothing(run: Run) -> None:
    async def main() -> None:
        async with two_calls() as ((a, alice), (b, _)):
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await hears(alice, 700)
            await b.pc.close()
            await alice.pc.close()
            bridge.close()

    run(main)


@pytest.mark.parametrize(("other", "some"), [(("opus", "VP8"), False), (("PCMU", "H264"), True)])
def test_no_decoder_or_encoder_runs_where_the_codecs_agree(
    run: Run, monkeypatch: pytest.MonkeyPatch, other: tuple[str, ...], some: bool
) -> None:
    made: list[tuple[Any, ...]] = []
    create = av.CodecContext.create
    # Nobody changes to another bit rate meanwhile: what is played would be encoded for that.
    monkeypatch.setattr(AllowedBitRate, "said", lambda *_: None)

    def counted(*given: Any) -> Any:
        made.append(given)
        return create(*given)

    async def main() -> None:
        async with two_calls(other=other) as ((a, alice), (b, bob)):
            for leg in (a, b, alice, bob):  # what they play is encoded before the bridge
                for kind in KINDS:
                    await leg.received(kind, 2)
            with monkeypatch.context() as counting:
                counting.setattr(av, "CodecContext", SimpleNamespace(create=counted))
                bridge = BridgeMedia(a.pc.media, b.pc.media)
                at = {peer: len(peer.seen("video")) for peer in (alice, bob)}
                for peer, origin in ((alice, b), (bob, a)):
                    await peer.received("audio", 50)
                    await peer.until(lambda p=peer: len(p.seen("video")) > at[p] + 20)  # type: ignore[misc]
                    sent = {frame.data for frame in origin.seen("video")}
                    shown = [f for f in peer.seen("video")[at[peer] :] if f.data in sent]
                    assert some or shown, "they are the same pictures, octet by octet"
            assert bool(made) == some
            assert bool(bridge.transcoded) == some
            bridge.close()

    run(main)


@dataclass
class StagedTimer:
    """A timer of `StagedTime`."""

    at: float
    callback: Callable[[], None]
    is_cancelled: bool = False

    def when(self) -> float:
        """Give when it is due."""
        return self.at

    def cancel(self) -> None:
        """Let it not come."""
        self.is_cancelled = True


class StagedTime:
    """The clock of what receives, which a test moves on. It shows whole seconds at first."""

    def __init__(self) -> None:
        self._timers: list[StagedTimer] = []
        self.now = float(int(asyncio.get_running_loop().time()) + 60)

    def time(self) -> float:
        """Give the staged seconds."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> StagedTimer:
        """Note a timer."""
        self._timers.append(StagedTimer(when, callback))
        return self._timers[-1]

    def go_on(self, seconds: float) -> None:
        """Move on, and let the timers come that are due then."""
        self.now += seconds
        due = [timer for timer in self._timers if timer.at <= self.now]
        self._timers = [timer for timer in self._timers if timer.at > self.now]
        for timer in due:
            if not timer.is_cancelled:
                timer.callback()


@pytest.mark.parametrize(
    ("every", "seconds", "requests"), [(0.25, 3.0, 4), (0.5, 0.5, 2), (1.25, 5.0, 5)]
)
def test_requests_for_a_key_frame_go_on_at_once_and_then_once_a_second(
    run: Run, every: float, seconds: float, requests: int
) -> None:
    async def main() -> None:
        async with two_calls() as ((a, alice), (b, _)):
            bridge = BridgeMedia(a.pc.media, b.pc.media)
            await sees(alice, 176)
            incoming = b.pc.media.by_kind["video"].incoming
            clock = StagedTime()
            asked = 0
            ask = incoming.reports.keyframe

            def count(ssrc: int) -> None:
                nonlocal asked
                asked += 1
                ask(ssrc)

            incoming._loop = clock  # type: ignore[assignment] # what of a loop it uses
            incoming.reports.keyframe = count  # type: ignore[method-assign]
            at = clock.now
            while clock.now <= at + seconds:
                before, came = asked, len(b.seen("video"))
                a.pc.media._keyframe_requested()  # as aiortc does when Alice sends a PLI
                if asked > before:  # Bob answers each, so none is repeated for want of an answer
                    await b.until(lambda n=came: any(f.keyframe for f in b.seen("video")[n:]))  # type: ignore[misc]
                assert asked >= 1, "the first one goes on at once"
                clock.go_on(every)
            assert asked == requests
            bridge.close()

    run(main)
