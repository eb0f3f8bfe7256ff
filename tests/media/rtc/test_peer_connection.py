"""Real peer connections, two in one process, over real sockets on loopback."""

import asyncio
import re
import wave
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from callboard.media import (
    ClockPattern,
    Closed,
    Connected,
    DescriptionError,
    Direction,
    Echo,
    FileSource,
    FirstMedia,
    IceChecking,
    IceConnected,
    IncompatibleMediaError,
    Kind,
    MediaClosedError,
    MediaFailed,
    Network,
    NetworkError,
    PlaybackEnded,
    ReceivePath,
    Silence,
    Tone,
    read_clock,
)
from callboard.media.rtc.peer_connection import PeerConnection
from callboard.media.rtc.rtp.quality import mean_opinion_score
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness
from callboard.tests.harness.ports import free_ports
from callboard.tests.media.legs import (
    LOOPBACK,
    Leg,
    call,
    connect,
    luma,
    pictures,
    pitch,
    samples,
)

BOTH: tuple[Kind, ...] = ("audio", "video")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("path", list(ReceivePath))
def test_audio_and_video_flow_on_every_path(run: Run, path: ReceivePath, loop: str) -> None:
    async def main() -> None:
        pattern, tone = ClockPattern(), Tone()
        async with call(path, audio=tone, video=pattern, back_audio=tone, back_video=pattern) as (
            a,
            b,
        ):
            for leg in (a, b):
                for kind in BOTH:
                    await leg.until(partial(leg.met, kind))
                order = [type(event) for event in leg.events]
                assert order[:3] == [IceChecking, IceConnected, Connected]
                await leg.counted("audio", 20)
                assert leg.statistics("audio").codec == "opus"
                assert leg.statistics("video").codec == "VP8"
                assert bool(leg.seen("audio")) == (path is not ReceivePath.NONE)
        assert isinstance(a.events[-1], Closed)

    run(main, loop=loop)  # type: ignore[arg-type]


def test_the_tone_arrives_with_its_frequency(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Tone(1000)) as (a, b):
            heard_by_a = await a.received("audio", 50)
            heard_by_b = await b.received("audio", 50)
        assert abs(pitch(heard_by_b) - 440) < 5
        assert abs(pitch(heard_by_a) - 1000) < 5

    run(main)


@pytest.mark.parametrize("path", [ReceivePath.PACKETS, ReceivePath.FRAMES])
def test_what_was_offered_is_received_whatever_the_answer_lists(
    run: Run, path: ReceivePath
) -> None:
    """RFC 3264 §5.1; what Chromium does that was told to prefer another codec than it lists."""

    def without(sdp: str, *codecs: str) -> str:
        numbers = "|".join(re.findall(rf"a=rtpmap:(\d+) (?:{'|'.join(codecs)})/", sdp))
        return re.sub(rf"a=(rtpmap|fmtp|rtcp-fb):({numbers}) .*\r\n", "", sdp)

    async def main() -> None:
        a, b = Leg(path), Leg(path)
        offer = await a.pc.offer(audio=Tone(440), video=ClockPattern())
        answer = await b.pc.answer(offer, audio=Tone(600), video=ClockPattern())
        described = without(answer, "opus", "PCMA", "VP8", "rtx")
        await a.pc.accept(described)
        heard, seen = await a.received("audio", 50), await a.received("video", 5)
        assert (heard[0].codec, seen[0].codec) == ("opus", "VP8")
        assert abs(pitch(heard) - 600) < 10
        assert (await b.received("audio", 5))[0].codec == "PCMU"
        assert (await b.received("video", 5))[0].codec == "H264"
        # The peer describes itself anew, as when something else changes: its numbers stay.
        await a.pc.answer(
            described.replace("a=setup:active", "a=setup:actpass"), audio=None, video=None
        )
        assert (await a.received("audio", 50))[0].codec == "opus"
        assert (await a.received("video", 5))[0].codec == "VP8"
        await a.pc.close()
        await b.pc.close()

    run(main)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_g711_when_the_peer_wants_it(run: Run, codec: str) -> None:
    def only(sdp: str) -> str:
        others = {"opus", "PCMU", "PCMA"} - {codec}
        return re.sub(rf"a=rtpmap:\d+ ({'|'.join(others)})/.*\r\n", "", sdp)

    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(440), video=None)
        await a.pc.accept(await b.pc.answer(only(offer), audio=Tone(600), video=None))
        heard = await a.received("audio", 50)
        assert heard[0].codec == codec
        assert abs(pitch(heard) - 600) < 10
        await a.pc.close()
        await b.pc.close()

    run(main)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_the_clock_moves_and_can_be_read(run: Run, codec: str) -> None:
    def prefer(sdp: str) -> str:
        if codec == "VP8":
            return sdp
        return re.sub(r"a=(rtpmap:97 VP8/90000|(rtcp-fb:97|fmtp:98|rtpmap:98) .*)\r\n", "", sdp)

    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=None, video=ClockPattern())
        await a.pc.accept(await b.pc.answer(prefer(offer), audio=None, video=None))
        seen = await b.received("video", 25)
        await a.pc.close()
        await b.pc.close()
        assert {frame.codec for frame in seen} == {codec}
        clocks = [read_clock(picture) for picture in pictures(seen)]
        assert len(clocks) >= 24
        assert all(clock is not None for clock in clocks)
        steps = [after - before for before, after in pairwise(c for c in clocks if c is not None)]
        assert all(0.06 < step < 0.07 for step in steps)

    run(main)


@pytest.mark.parametrize("path", [ReceivePath.PACKETS, ReceivePath.FRAMES])
def test_decoded_pictures_go_to_iterators(run: Run, path: ReceivePath) -> None:
    async def main() -> None:
        async with call(path, audio=Tone(440), video=ClockPattern()) as (_, b):
            frames = b.pc.media.received.frames("video")
            clocks = []
            async for frame in frames:
                clocks.append(read_clock(luma(frame)))
                if len(clocks) == 5:
                    break
            assert None not in clocks
            left = b.pc.media.received.frames("audio", limit=3)
        assert len([frame async for frame in left]) <= 3

    run(main)


def test_only_what_is_sent_can_be_played(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone()) as (a, _):
            with pytest.raises(ValueError, match="sends no video"):
                a.pc.media.play("video", ClockPattern())

    run(main)


def test_every_socket_keeps_to_addresses_and_ports(run: Run) -> None:
    async def main() -> None:
        first, last = free_ports(20)
        network = Network(addresses=("127.0.0.1",), ports=(first, last))
        async with call(network=network, audio=Tone(), video=ClockPattern()) as (a, b):
            for leg in (a, b):
                for connection in leg.pc._connections.open:
                    for protocol in connection._protocols:
                        host, port = protocol.transport.get_extra_info("sockname")[:2]
                        assert host == "127.0.0.1"
                        assert first <= port <= last
            # Another connection, at the same time, is held to its own.
            low, high = free_ports(4)
            other = Leg(network=Network(addresses=("127.0.0.2",), ports=(low, high)))
            offer = await other.pc.offer(audio=Tone(), video=ClockPattern())
            candidates = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (\w+)", offer)
            assert len(candidates) == 2
            for host, port, type_ in candidates:
                assert (host, type_) == ("127.0.0.2", "host")
                assert low <= int(port) <= high
            await other.pc.close()

    run(main)


def test_a_range_without_a_free_port_says_so(run: Run) -> None:
    async def main() -> None:
        first, last = free_ports(2)
        network = Network(addresses=("127.0.0.1",), ports=(first, last))
        a, b = Leg(network=network), Leg(network=network)
        await a.pc.offer(audio=Tone(), video=ClockPattern())
        with pytest.raises(NetworkError, match=rf"{first}-{last} on 127\.0\.0\.1 are taken"):
            await b.pc.offer(audio=Tone(), video=None)
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_echo_sends_back_what_came(run: Run) -> None:
    async def main() -> None:
        async with call(
            audio=Tone(700), video=ClockPattern(), back_audio=Echo(), back_video=Echo()
        ) as (a, _):
            heard = await a.received("audio", 50)
            seen = await a.received("video", 15)
        assert abs(pitch(heard) - 700) < 5
        sent = {frame.data for frame in a.seen("audio", Direction.SENT)}
        assert all(frame.data in sent for frame in heard)
        assert all(read_clock(picture) is not None for picture in pictures(seen))

    run(main)


def test_echo_needs_a_path_with_frames(run: Run) -> None:
    async def main() -> None:
        leg = Leg(ReceivePath.NONE)
        with pytest.raises(ValueError, match="echo needs"):
            await leg.pc.offer(audio=Echo(), video=None)
        await leg.pc.close()

    run(main)


def test_a_swap_keeps_the_timestamps_going(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440)) as (a, b):
            await b.received("audio", 20)
            first = a.pc.media.playing("audio")
            assert first is not None
            a.pc.media.play("audio", Tone(880))
            await first.ended()
            await b.received("audio", 15)
            heard = await b.received("audio", 50)
            assert abs(pitch(heard) - 880) < 5
            steps = [y.timestamp - x.timestamp for x, y in pairwise(b.seen("audio"))]
            # A held-up loop, or a frame that is not encoded yet, may stretch time, not turn it.
            assert all(step >= 960 for step in steps)
            assert sorted(steps)[len(steps) // 2] == 960

    run(main)


def test_a_file_is_played_to_its_end(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "beep.wav"
    tone = (12000 * np.sin(2 * np.pi * 500 * np.arange(16000) / 16000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(tone.tobytes())

    async def main() -> None:
        async with call(audio=FileSource(path)) as (a, b):
            heard = await b.received("audio", 40)
            assert abs(pitch(heard) - 500) < 5
            ended = await a.event(PlaybackEnded)
            assert (ended.playback.kind, ended.playback.failure) == ("audio", None)
            # Silence follows.
            quiet, _ = samples((await b.received("audio", 30))[-10:])
            sound, rate = samples(a.seen("audio", Direction.SENT))
            loud = np.flatnonzero(np.abs(sound) > 2000)
            assert (loud[-1] - loud[0]) / rate == pytest.approx(1, abs=0.04)
            assert np.abs(quiet[-960:]).max() < 100
            playback = a.pc.media.play("audio", FileSource(path))
            await playback.ended()

    run(main)


def test_a_file_that_cannot_be_played_ends_with_its_reason(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "beep.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(32000))
    source = FileSource(path)
    path.write_text("no audio in here")

    async def main() -> None:
        async with call(audio=source) as (a, b):
            ended = await a.event(PlaybackEnded)
            assert ended.playback.failure is not None
            assert "beep.wav can't be played" in ended.playback.failure
            await b.received("audio", 5)

    run(main)


def test_mute_sends_silence_and_black_and_comes_back(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), video=ClockPattern()) as (a, b):
            await b.received("audio", 10)
            await b.received("video", 5)
            for kind in BOTH:
                a.pc.media.mute(kind, True)
            quiet, _ = samples((await b.received("audio", 40))[-10:])
            assert np.abs(quiet[-960:]).max() < 100
            black = (await b.received("video", 1))[0]
            for kind in BOTH:
                a.pc.media.mute(kind, False)
            seen = await b.received("video", 20)
            assert black.keyframe
            assert read_clock(pictures([black])[0]) is None
            assert all(read_clock(picture) is not None for picture in pictures(seen)[2:])
            heard = await b.received("audio", 50)
            assert abs(pitch(heard[-40:]) - 440) < 5
            stamps = [frame.timestamp for frame in b.seen("video")]
            assert stamps == sorted(stamps)

    run(main)


def test_a_picture_loss_indication_brings_a_key_frame(run: Run) -> None:
    async def main() -> None:
        async with call(video=ClockPattern(fps=10)) as (_, b):
            await b.until(lambda: any(f.keyframe for f in b.seen("video")))
            await b.received("video", 4)
            already = len(b.seen("video"))
            b.pc.media.request_keyframe()
            await b.until(lambda: any(f.keyframe for f in b.seen("video")[already:]))
            after = b.seen("video")[already:]
            assert next(i for i, f in enumerate(after) if f.keyframe) <= 3
            # What follows the key frame is readable, and soon where it would have been.
            clocks = [read_clock(p) for p in pictures(after + await b.received("video", 12))]
            assert None not in clocks

    run(main)


def test_a_new_sink_begins_with_a_key_frame(run: Run) -> None:
    async def main() -> None:
        async with call(video=ClockPattern(), back_video=ClockPattern()) as (a, b):
            await a.received("video", 5)
            await b.received("video", 5)
            got: list[tuple[Direction, bool]] = []

            def sink(direction: Direction, frame: object) -> None:
                got.append((direction, frame.keyframe))  # type: ignore[attr-defined]

            a.pc.media.add_sink(sink)
            # Sent at once; the peer's is asked for, and in at most a few frames.
            assert got[0] == (Direction.SENT, True)
            await a.until(lambda: (Direction.RECEIVED, True) in got)
            received = [keyframe for direction, keyframe in got if direction is Direction.RECEIVED]
            assert received.index(True) < 10
            a.pc.media.remove_sink(sink)

    run(main)


def test_a_failing_sink_is_taken_off(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with call(audio=Tone()) as (_, b):

            def sink(*_: object) -> None:
                raise RuntimeError("full")

            b.pc.media.add_sink(sink)
            await b.received("audio", 5)
            assert sink not in b.pc.media.sinks

    run(main)
    assert "A sink failed" in caplog.text


def test_a_kind_without_source_is_received_and_a_refused_one_is_not(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(), video=ClockPattern())
        answer = await b.pc.answer(offer, audio=None, video=None, refuse=BOTH[1:])
        assert re.findall(r"a=(recvonly|inactive|sendrecv)", answer) == ["recvonly", "inactive"]
        await a.pc.accept(answer)
        await b.received("audio", 10)
        assert not b.seen("video")
        assert not a.seen("audio")
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_a_section_without_common_codec_is_refused_alone(run: Run) -> None:
    def odd(sdp: str) -> str:
        return re.sub(r"a=rtpmap:(\d+) (VP8|H264)/90000", r"a=rtpmap:\1 AV1/90000", sdp)

    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(), video=ClockPattern())
        answer = await b.pc.answer(odd(offer), audio=Tone(), video=ClockPattern())
        assert "m=video 0 " in answer
        assert answer.index("m=audio") < answer.index("m=video")
        assert "a=group:BUNDLE 0\r\n" in answer
        await a.pc.close()
        with pytest.raises(IncompatibleMediaError):
            await Leg().pc.answer(
                re.sub(r"(?s)m=audio.*?(?=m=video)", "", odd(offer)), audio=None, video=None
            )
        await b.pc.close()

    run(main)


@pytest.mark.parametrize(
    "sdp", ["", "nonsense", "v=0\r\nm=audio", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"]
)
def test_an_unusable_offer_is_named_so(run: Run, sdp: str) -> None:
    async def main() -> None:
        leg = Leg()
        with pytest.raises(DescriptionError):
            await leg.pc.answer(sdp, audio=Tone(), video=None)
        await leg.pc.close()

    run(main)


def test_candidates_may_trickle_and_useless_ones_are_dropped(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(), video=None)
        lines = re.findall(r"a=(candidate:[^\r]*)", offer)
        bare = re.sub(r"a=(candidate:[^\r]*|end-of-candidates)\r\n", "", offer)
        answer = await b.pc.answer(bare, audio=Tone(), video=None)
        await a.pc.accept(re.sub(r"a=(candidate:[^\r]*|end-of-candidates)\r\n", "", answer))
        for useless in (
            "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
            "candidate:1 2 udp 1 127.0.0.1 9 typ host",
            "candidate:1 1 udp 1 0a1b.local 9 typ host",
            "candidate:1 1 udp 1 224.0.0.251 5353 typ host",
            "candidate:nonsense",
        ):
            await b.pc.add_candidate("0", useless)
        for line in lines:
            await b.pc.add_candidate("0", line)
        await b.pc.add_candidate("0", "")
        await a.event(Connected)
        await b.received("audio", 3)
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_a_wrong_fingerprint_is_a_security_error(run: Run) -> None:
    def forge(sdp: str) -> str:
        return re.sub(r"(a=fingerprint:\S+ )..", r"\g<1>00", sdp)

    async def main() -> None:
        a, b = Leg(), Leg()
        await connect(a, b, audio=Tone(), video=None, back_audio=Tone(), change=forge)
        failed = await a.event(MediaFailed)
        assert failed.reason == "security-error"
        await a.event(Closed)
        assert not a.frames
        assert not any(isinstance(event, Connected | FirstMedia) for event in a.events)
        await b.pc.close()
        assert not b.seen("audio")

    run(main)


def test_a_dead_peer_meets_the_ice_deadline(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(ice_deadline=0.2), Leg(ice_deadline=0.2)
        offer = await a.pc.offer(audio=Tone(), video=None)
        answer = await b.pc.answer(offer, audio=Tone(), video=None)
        await b.pc.close()
        await a.pc.accept(answer)
        failed = await a.event(MediaFailed)
        assert failed.reason == "connectivity-error"
        await a.event(Closed)
        with pytest.raises(MediaClosedError):
            await a.pc.offer(audio=Tone(), video=None)

    run(main)


def test_a_peer_without_dtls_meets_the_dtls_deadline(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(dtls_deadline=0.2), Leg()
        offer = await a.pc.offer(audio=Tone(), video=None)
        answer = await b.pc.answer(offer, audio=Tone(), video=None)
        # Both wait for the other to begin the handshake.
        for transceiver in b.pc._pc.getTransceivers():
            transceiver.receiver.transport._set_role("server")
        await a.pc.accept(answer.replace("a=setup:passive", "a=setup:active"))
        failed = await a.event(MediaFailed)
        assert failed.reason == "failed-transport"
        assert "0.2 s" in failed.text
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_the_peers_close_closes(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await b.received("audio", 2)
            await a.pc.close()
            closed = await b.event(Closed)
            assert closed.by_peer
            assert a.events[-1] == Closed(by_peer=False)

    run(main)


@pytest.mark.parametrize("steps", range(0, 40, 3))
def test_close_at_any_moment_leaves_nothing(run: Run, steps: int) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        sources = {"audio": Tone(), "video": ClockPattern()}

        async def set_up() -> None:
            await connect(a, b, **sources, back_audio=Tone(), back_video=ClockPattern())  # type: ignore[arg-type]

        task = asyncio.create_task(set_up())
        for _ in range(steps):
            await asyncio.sleep(0)
        await a.pc.close()
        await b.pc.close()
        [failure] = await asyncio.gather(task, return_exceptions=True)
        # Later it may be set up just before it is closed.
        assert isinstance(failure, MediaClosedError) or (failure is None and steps > 20)
        await a.pc.close()

    run(main)


@pytest.mark.parametrize("steps", range(0, 30, 2))
def test_close_at_any_moment_of_the_handshake_leaves_nothing(run: Run, steps: int) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        await connect(a, b, audio=Tone(), video=None, back_audio=Tone(), back_video=None)
        await b.event(IceConnected)
        for _ in range(steps):
            await asyncio.sleep(0)
        await b.pc.close()
        await a.pc.close()
        assert len(asyncio.all_tasks()) == 1

    run(main)


def test_close_while_ice_is_checking(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(), video=ClockPattern())
        await b.pc.answer(offer, audio=Tone(), video=ClockPattern())
        await b.event(IceChecking)
        async with asyncio.timeout(30):  # by itself it would go on checking for 45 s and more
            await b.pc.close()
        await a.pc.close()
        assert len(asyncio.all_tasks()) == 1

    run(main)


def test_statistics_are_plausible(run: Run) -> None:
    async def main() -> None:
        async with call(
            audio=Tone(), video=ClockPattern(), back_audio=Silence(), back_video=ClockPattern()
        ) as (a, b):
            await a.until(lambda: a.statistics("audio").rtt_ms is not None)
            audio, video = a.pc.media.statistics()
            assert (audio.kind, audio.codec) == ("audio", "opus")
            assert (video.kind, video.codec) == ("video", "VP8")
            assert audio.sent > 10
            assert audio.received > 10
            assert audio.lost == video.lost == 0
            assert 0 <= audio.jitter_ms < 50 + 1000 * lateness()
            assert audio.rtt_ms is not None
            assert 0 <= audio.rtt_ms < 1000 * (1 + lateness())
            assert audio.mos == pytest.approx(
                mean_opinion_score("opus", lost=0, jitter_ms=audio.jitter_ms, rtt_ms=audio.rtt_ms)
            )
            assert video.mos is None
            await a.until(lambda: a.statistics("audio").peer_lost is not None)
            audio = a.statistics("audio")
            assert audio.peer_lost == 0
            assert audio.peer_jitter_ms is not None
            assert 0 <= audio.peer_jitter_ms < 50 + 1000 * lateness()
            await b.received("audio", 1)
        assert a.pc.media.statistics()[0].sent >= audio.sent

    run(main)


def test_two_legs_share_one_encoding(run: Run) -> None:
    async def main() -> None:
        async with (
            call(audio=Tone(333)) as (a, _),
            call(audio=Tone(333)) as (c, _),
        ):
            await a.until(lambda: len(a.seen("audio", Direction.SENT)) > 10)
            await c.until(lambda: len(c.seen("audio", Direction.SENT)) > 10)
            mine = a.seen("audio", Direction.SENT)
            others = c.seen("audio", Direction.SENT)
            assert mine[5].data is others[5].data

    run(main)


def test_an_offer_needs_something(run: Run) -> None:
    async def main() -> None:
        pc = PeerConnection(network=LOOPBACK, path=ReceivePath.PACKETS, on_event=lambda _: None)
        with pytest.raises(ValueError, match="audio or video"):
            await pc.offer(audio=None, video=None)
        with pytest.raises(ValueError, match="no audio"):
            await pc.offer(audio=ClockPattern(), video=None)
        await pc.close()

    run(main)
