"""Legs in a room hear and see each other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    EncodedFrame,
    Kind,
    Silence,
    Source,
    Tone,
    read_clock,
)
from callboard.media.joining.mix import Mixed
from callboard.media.joining.room import RoomMedia, RoomMember
from callboard.media.joining.room_sound import RoomSound
from callboard.media.rtc.connection_media import ConnectionMedia
from callboard.media.rtc.rtp.receive_path import ReceivePath
from callboard.tests.conftest import Run
from callboard.tests.media.joining.test_bridge import only, sees
from callboard.tests.media.joining.test_bridging_in_any_order import Line
from callboard.tests.media.legs import Leg, call, pictures, samples

TONES = (400, 700, 1000)


@asynccontextmanager
async def calls(
    sources: Sequence[Source], *, video: Sequence[Source | None] = ()
) -> AsyncIterator[list[tuple[Leg, Leg]]]:
    """Calls with our leg and the peer's, which plays a source."""
    async with AsyncExitStack() as stack:
        pairs = []
        for number, source in enumerate(sources):
            shown = video[number] if video else None
            back = ClockPattern(160, 120, 5) if shown is not None else None
            both = await stack.enter_async_context(
                call(audio=source, video=shown, back_audio=Silence(), back_video=back)
            )
            pairs.append((both[1], both[0]))
        yield pairs


def strengths(frames: list[EncodedFrame]) -> dict[int, float]:
    wave, rate = samples(frames)
    time = np.arange(len(wave)) / rate
    return {f: float(2 * abs(wave @ np.exp(-2j * np.pi * f * time)) / len(wave)) for f in TONES}


async def heard(peer: Leg, *loud: int, still: int = 300) -> None:
    """Wait until a peer hears these tones, and no others of `TONES`."""
    while True:
        found = strengths((await peer.received("audio", 40))[10:])
        if all((found[tone] > 3000) if tone in loud else (found[tone] < still) for tone in TONES):
            return


def test_each_hears_the_others_and_not_itself(run: Run) -> None:
    async def main() -> None:
        mixed: list[EncodedFrame] = []
        async with calls([Tone(frequency) for frequency in TONES]) as pairs:
            room = RoomMedia(tones=False, on_mix=mixed.append)
            for ours, _ in pairs:
                room.add(ours.pc.media)
            for (_, peer), own in zip(pairs, TONES, strict=True):
                await heard(peer, *(tone for tone in TONES if tone != own))
                everything = peer.seen("audio")
                assert all(b.timestamp > a.timestamp for a, b in pairwise(everything))
            assert len(room.speakers) == 3
            while not all(found > 3000 for found in strengths(mixed[-40:]).values()):
                await pairs[0][1].received("audio", 10)
            room.close()
            assert not room.members

    run(main)


@pytest.mark.parametrize("how", ["mute", "listen", "leave"])
def test_who_is_muted_or_gone_is_not_heard(run: Run, how: str) -> None:
    async def main() -> None:
        async with calls([Tone(400), Tone(700), Silence()]) as pairs:
            room = RoomMedia(tones=False)
            members = [
                room.add(ours.pc.media, speaks=number > 0 or how != "listen")
                for number, (ours, _) in enumerate(pairs)
            ]
            if how == "mute":
                room.mute(members[0])
            elif how == "leave":
                room.remove(members[0])
            await heard(pairs[2][1], 700, still=100)
            await heard(pairs[0][1], *(() if how == "leave" else (700,)))
            if how == "listen":
                assert members[0] not in room._sound._talks, "nothing of a listener is decoded"
            room.close()

    run(main)


@pytest.mark.parametrize("missed", [0, 3])
def test_blocks_that_could_not_be_mixed_in_time_are_made_up_for(
    run: Run, monkeypatch: pytest.MonkeyPatch, missed: int
) -> None:
    goes_on = threading.Event()
    mix = RoomSound.mix

    def held_up(*arguments: Any, **named: Any) -> Mixed:
        goes_on.wait()
        return mix(*arguments, **named)

    monkeypatch.setattr(RoomSound, "mix", held_up)

    async def main() -> None:
        mixed: asyncio.Queue[EncodedFrame] = asyncio.Queue()
        room = RoomMedia(tones=False, on_mix=mixed.put_nowait)
        room._ticket.cancel()
        for block in range(1 + room.MOST_DUE + missed):
            room._step(block * 0.02)
        goes_on.set()
        found = [await mixed.get() for _ in range(1 + room.MOST_DUE)]
        room.close()
        made_up = range(2 + missed, 2 + missed + room.MOST_DUE)
        assert [frame.timestamp // 960 for frame in found] == [1, *made_up]

    run(main)


def chimes(frames: list[EncodedFrame]) -> list[int]:
    """The two tones of a chime, one after the other; nothing where there is none."""
    wave, rate = samples(frames)
    loud = np.flatnonzero(np.abs(wave) > 1000)
    if not len(loud):
        return []
    first, second = np.array_split(wave[loud[0] : loud[-1] + 1], 2)
    found = []
    for part in (first, second):
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), rate))
        found.append(int(np.argmax(spectrum)))
    return found


async def quiet(peer: Leg) -> int:
    """Wait until a peer hears nothing; gives how many frames it has heard."""
    while np.abs(samples(await peer.received("audio", 20))[0]).max() > 100:
        pass
    return len(peer.seen("audio"))


@pytest.mark.parametrize("tones", [True, False])
def test_tones_tell_who_is_there_that_somebody_comes_or_goes(run: Run, tones: bool) -> None:
    async def main() -> None:
        async with calls([Silence(), Silence()]) as pairs:
            room, peer = RoomMedia(tones=tones), pairs[0][1]
            room.add(pairs[0][0].pc.media)
            before = await quiet(peer)
            member = room.add(pairs[1][0].pc.media)
            await peer.received("audio", 30)
            after = await quiet(peer)
            came = chimes(peer.seen("audio")[before:])
            room.remove(member)
            await peer.received("audio", 30)
            await quiet(peer)
            went = chimes(peer.seen("audio")[after:])
            if tones:
                assert came == [pytest.approx(660, abs=15), pytest.approx(880, abs=15)]
                assert went == [pytest.approx(880, abs=15), pytest.approx(660, abs=15)]
            else:
                assert came == went == []
            room.close()

    run(main)


def _vp8(kind: Kind) -> str | None:
    return "VP8" if kind == "video" else None


class StagedLeg:
    """A leg of a room, of which nothing goes on a network; what it is given is kept."""

    def __init__(self) -> None:
        self.given: list[tuple[bytes, bool]] = []
        self.requests = 0
        self.media = ConnectionMedia(
            ReceivePath.PACKETS,
            largest_picture=1,
            on_event=lambda _: None,
        )
        self.media.forward = self._forward  # type: ignore[method-assign]
        self.media.codec = _vp8  # type: ignore[method-assign]
        line: Any = Line("video")
        line.request_keyframe = self._request
        self.media.by_kind["video"] = line
        line.outgoing = self.media.outgoing("video", Silence())

    def _forward(self, frame: EncodedFrame, *, anew: bool = False) -> None:
        self.given.append((frame.data, anew))

    def _request(self) -> None:
        self.requests += 1

    def shows(self, data: bytes, *, keyframe: bool) -> None:
        """Let its peer send a picture."""
        self.media._received(EncodedFrame("video", "VP8", data, 0, 90_000, 0.0, keyframe))


def listen(room: RoomMedia, **levels: RoomMember) -> None:
    """Let the room hear for long enough how loud each is, in dBov below 0."""
    for name, member in levels.items():
        member.level = -float(name[1:])
    for _ in range(RoomMedia.CHANGE + 1):
        room._look()


def test_who_is_seen_changes_at_a_key_frame_and_is_seen_until_then(run: Run) -> None:
    async def main() -> None:
        room = RoomMedia(tones=False)
        one, two, viewer = legs = [StagedLeg() for _ in range(3)]
        members = [room.add(leg.media) for leg in legs]
        listen(room, _10=members[0], _60=members[1], _90=members[2])
        asked = two.requests
        one.shows(b"1 key", keyframe=True)
        one.shows(b"1 next", keyframe=False)
        listen(room, _60=members[0], _10=members[1])
        assert two.requests == asked + 1
        two.shows(b"2 next", keyframe=False)
        one.shows(b"1 goes on", keyframe=False)
        two.shows(b"2 key", keyframe=True)
        one.shows(b"1 too late", keyframe=False)
        two.shows(b"2 goes on", keyframe=False)
        assert viewer.given == [
            (b"1 key", True),
            (b"1 next", False),
            (b"1 goes on", False),
            (b"2 key", True),
            (b"2 goes on", False),
        ]
        room.close()
        for leg in legs:
            leg.media.by_kind["video"].outgoing.close()  # type: ignore[union-attr]

    run(main)


def test_speakers_are_told_the_loudest_first_and_without_who_is_silent(run: Run) -> None:
    async def main() -> None:
        room = RoomMedia(tones=False)
        legs = [StagedLeg() for _ in range(4)]
        low, high, middle, silent = (room.add(leg.media) for leg in legs)
        listen(room, _40=low, _10=high, _20=middle, _90=silent)
        assert room.speakers == [high, middle, low]
        room.close()
        for leg in legs:
            leg.media.by_kind["video"].outgoing.close()  # type: ignore[union-attr]

    run(main)


def test_the_picture_of_who_speaks_is_shown_from_a_key_frame_on(run: Run) -> None:
    async def main() -> None:
        quiet, loud = Silence(), Tone(400)
        clocks = [
            ClockPattern(160, 120, 15),
            ClockPattern(176, 144, 15),
            ClockPattern(192, 160, 15),
        ]
        async with calls([loud, quiet, quiet], video=clocks) as pairs:
            room = RoomMedia(tones=False)
            for ours, _ in pairs:
                room.add(ours.pc.media)

            async def shows(viewer: int, width: int) -> None:
                peer = pairs[viewer][1]
                await peer.until(
                    lambda: any(size(frame) == width for frame in peer.seen("video")[-40:])
                )
                frames = await peer.received("video", 10)
                start = next(
                    at
                    for at in range(len(peer.seen("video")))
                    if size(peer.seen("video")[at]) == width
                )
                shown = pictures(peer.seen("video")[start:])
                assert shown[-1].shape[1] == width
                assert read_clock(shown[-1]) is not None
                assert all(b.timestamp > a.timestamp for a, b in pairwise(peer.seen("video")))
                assert frames

            await shows(1, 160)
            await shows(2, 160)
            pairs[0][1].pc.media.play("audio", quiet)
            pairs[2][1].pc.media.play("audio", loud)
            await shows(1, 192)
            await shows(0, 192)
            await shows(2, 160)
            room.close()

    run(main)


def size(frame: EncodedFrame) -> int | None:
    """The width that a VP8 key frame says (RFC 6386 §9.1)."""
    return int.from_bytes(frame.data[6:8], "little") & 0x3FFF if frame.keyframe else None


def test_what_a_bot_plays_in_a_room_is_heard_and_then_the_room_again(run: Run) -> None:
    async def main() -> None:
        async with calls([Silence(), Tone(700)]) as pairs:
            room = RoomMedia(tones=False)
            for ours, _ in pairs:
                room.add(ours.pc.media)
            media, peer = pairs[0][0].pc.media, pairs[0][1]
            playback = media.play("audio", Tone(400))
            await heard(peer, 400)
            playback.stop()
            await heard(peer, 700)
            room.close()

    run(main)


def test_coming_and_going_leaves_nothing(run: Run) -> None:
    async def main() -> None:
        async with calls([Tone(400), Tone(700)]) as pairs:
            room = RoomMedia()
            stays = room.add(pairs[0][0].pc.media)
            media = pairs[1][0].pc.media
            sinks = len(media.sinks)
            for _ in range(500):
                member = room.add(media)
                await asyncio.sleep(0)
                room.remove(member)
                room.remove(member)
            assert room.members == [stays]
            assert len(media.sinks) == sinks
            assert not media.received.receivers
            assert not media.received._ear._hearings
            room.close()
            assert not pairs[0][0].pc.media.received._ear._hearings

    run(main)


def test_a_leg_that_closes_harms_no_other(run: Run) -> None:
    async def main() -> None:
        async with calls([Tone(400), Tone(700), Silence()]) as pairs:
            room = RoomMedia(tones=False)
            members = [room.add(ours.pc.media) for ours, _ in pairs]
            await pairs[0][0].pc.close()
            await heard(pairs[2][1], 700)
            assert room.members == members[1:]
            room.remove(members[0])
            room.close()

    run(main)


@asynccontextmanager
async def showing(*codecs: str) -> AsyncIterator[list[tuple[Leg, Leg]]]:
    """Calls with our leg and the peer's, of which each shows a clock of another width."""
    legs = [Leg() for _ in range(2 * len(codecs))]
    pairs = list(zip(legs[::2], legs[1::2], strict=True))
    try:
        for number, ((ours, peer), codec) in enumerate(zip(pairs, codecs, strict=True)):
            offer = await ours.pc.offer(audio=Silence(), video=Silence())
            speech = Silence() if number else Tone(400)
            clock = ClockPattern(160 + 16 * number, 128, 10)
            answer = await peer.pc.answer(only("opus", codec)(offer), audio=speech, video=clock)
            await ours.pc.accept(answer)
            await ours.event(Connected)
        yield pairs
    finally:
        await asyncio.gather(*(leg.pc.close() for leg in legs))


def test_who_has_another_codec_sees_who_speaks_and_each_codec_is_made_once(run: Run) -> None:
    async def main() -> None:
        async with showing("VP8", "VP8", "H264", "H264") as pairs:
            room = RoomMedia(tones=False)
            first, *others = (room.add(ours.pc.media) for ours, _ in pairs[:3])
            await asyncio.gather(*(sees(peer, 160) for _, peer in pairs[1:3]))
            assert set(first._in_codecs) == {"H264"}
            others.append(room.add(pairs[3][0].pc.media))
            only_one = first._in_codecs["H264"]
            await sees(pairs[3][1], 160)  # who comes later gets a key frame, too
            assert first._in_codecs == {"H264": only_one}
            assert not any(member._in_codecs for member in others)

            pairs[0][1].pc.media.play("audio", Silence())
            pairs[2][1].pc.media.play("audio", Tone(700))
            await asyncio.gather(*(sees(pairs[at][1], 192) for at in (0, 1, 3)))
            await sees(pairs[2][1], 160)  # who speaks sees who spoke before
            assert set(others[1]._in_codecs) == {"VP8"}
            for _, peer in pairs:
                assert all(b.timestamp > a.timestamp for a, b in pairwise(peer.seen("video")))

            room.remove(others[2])
            room.remove(others[1])  # now all see the first again
            await sees(pairs[1][1], 160)
            assert not first._in_codecs, "nobody is left who needs that"
            room.close()

    run(main)
