"""The short way of usual packets, against the longer one that every packet can take."""

import asyncio
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pylibsrtp
import pytest
from aiortc import RTCPeerConnection, RTCRtpCodecParameters, RTCRtpTransceiver
from aiortc.rtcdtlstransport import State
from callboard.media import ClockPattern, EncodedFrame, Kind, ReceivePath, Tone
from callboard.media.compiled.part import SWITCH
from callboard.media.rtc._aiortc.bit_rate import IncomingBitRate
from callboard.media.rtc._aiortc.early_packets import EarlyPackets, Taker
from callboard.media.rtc._aiortc.inbound import InboundSrtp
from callboard.media.rtc.ice.segments import runs
from callboard.media.rtc.ice.socket_poll import SocketPoll
from callboard.media.rtc.rtp.incoming import Incoming
from callboard.media.rtc.rtp.video.bit_rate_estimator import Group
from callboard.tests.conftest import Run
from callboard.tests.harness.virtual_time import VirtualTimeLoop
from callboard.tests.media.intruder import ends
from callboard.tests.media.legs import call
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

KEY = bytes(range(44))
SSRCS = (7, 8, 9)
CODECS: dict[Kind, list[RTCRtpCodecParameters]] = {
    "audio": [
        RTCRtpCodecParameters("audio/opus", 48000, 2, 96),
        RTCRtpCodecParameters("audio/PCMU", 8000, 1, 0),
        RTCRtpCodecParameters("audio/telephone-event", 48000, 1, 97),
    ],
    "video": [
        RTCRtpCodecParameters("video/VP8", 90000, None, 96),
        RTCRtpCodecParameters("video/H264", 90000, None, 0),
        RTCRtpCodecParameters("video/rtx", 90000, None, 97, parameters={"apt": 96}),
    ],
}
SOUND = b"\xfc\xff\xfe"
PICTURES = (b"\x10\x00key frame", b"\x10\x01next one.", b"\x00more of it", b"\x90\x80")
DESCRIBED = (
    b"\x90\x00\x01picture",
    b"\x90\x80\x05\x01picture",
    b"\x90\x80\x85\x04\x01picture",
    b"\x90\x40\x04\x01picture",
    b"\x90\x20\x20\x01picture",
    b"\x90\x10\x04\x01picture",
    b"\x90\x30\x24\x01picture",
    b"\x90\xf0\x81\x22\x04\x20\x00key frame",
    b"\x80\xe0\x81\x22\x04\x20\x01more",
    b"\x11\x01another's",
)
"""Payloads of VP8 with other descriptors."""
SETS = b"\x78\x00\x04\x67\x42\x00\x1f\x00\x02\x68\xce\x00\x05\x65\x88key"
SLICES = (SETS, b"\x41\x88slice", b"\x5c\x41more of it", b"\x7c\x41more of it")
UNLIKE = (
    b"\x5c\x81\x88begins",
    b"\x5c\x81\x08another's",
    b"\x41\x08another's",
    b"\x06\x00told",
    b"\x78\x00\x09cut off",
    b"\x1d\x00unknown",
    b"\x5c\x01",
    b"\x5c\x41\x88more",
    b"\x41",
)
"""Payloads of H.264 that are unlike most."""
KEYS = (b"\x05\x0a\x03\xc0", b"\x05\x8a\x07\x80", b"\x00\x01\x10\x01again")
SENT_AT = b"\xbe\xde\x00\x01\x32"
EXTENSIONS = (
    b"",
    SENT_AT + b"\x00\x00\x01",
    SENT_AT + b"\x00\x10\x00",
    b"\xbe\xde\x00\x02\x10a\x32\x00\x20\x00\x00\x00",
    b"\x10\x00\x00\x02\x03\x03\x00\x30\x00\x00\x00\x00",
    b"\xbe\xde\x00\x00",
)


@dataclass(frozen=True)
class Packet:
    """What comes, and how long after the one before.

    Attributes:
        step: By how much its number differs from the one before of its stream.
        breaks: What becomes of it on its way: it is whole, doubled, forged, cut off, or overtaken.
    """

    after: float
    ssrc: int
    step: int
    ticks: int
    payload_type: int
    marker: bool
    payload: bytes
    extension: bytes
    sources: int
    padding: int
    breaks: str


REST = 0, 0, "whole"
"""Nothing unusual about a packet."""


FIELDS = tuple(each.name for each in fields(Packet))


def sequence(chance: random.Random, kind: Kind, unusual: float) -> list[Packet]:
    """Draw packets, each of which is unusual in some ways with some probability."""
    ways = chance.sample(FIELDS, chance.choice([1, 2, 3, len(FIELDS)]))

    def mostly(way: str, usual: Any, *others: Any) -> Any:
        is_unusual = way in ways and chance.random() < unusual
        return chance.choice(others) if is_unusual else usual

    codec, other = (96, 0) if kind == "audio" else chance.sample((96, 0), 2)
    usuals, others = (PICTURES, SLICES) if codec else (SLICES, PICTURES)
    parts = chance.choice([1, 3, 8]) if kind == "video" else 1
    at_once = chance.random() < 0.5
    found = []
    for at in range(chance.randrange(80)):
        part = at % parts
        usual = SOUND if kind == "audio" else usuals[2 if part else 1 if at else 0]
        found.append(
            Packet(
                after=mostly(
                    "after", 0.0 if part or (at_once and at % 10) else 0.02, 0.0, 0.001, 0.15, 1.3
                ),
                ssrc=mostly("ssrc", *SSRCS),
                step=mostly("step", 1, 2, 3, 0, -1, -2, 40, 120, -300, 4000, 32768),
                ticks=mostly("ticks", 0 if part else 960, 0, 3000, 1 << 31, -960),
                payload_type=mostly("payload_type", codec, other, 97, 35, 98),
                marker=mostly("marker", part == parts - 1, False, True),
                payload=mostly(
                    "payload", usual, b"", SOUND, *usuals, *UNLIKE, *others, *DESCRIBED, *KEYS
                ),
                extension=mostly("extension", EXTENSIONS[1 + at // 8 % 2], *EXTENSIONS),
                sources=mostly("sources", 0, 1, 15),
                padding=mostly("padding", 0, 4, 255),
                breaks=mostly("breaks", "whole", "doubled", "forged", "cut off", "overtaken"),
            )
        )
    return found


def written(packets: list[Packet], first: int) -> list[tuple[float, bytes]]:
    """Encrypt packets; give how long after the one before each comes."""
    session = Session(Policy(KEY, Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))
    overtaken: list[tuple[float, bytes]] = []
    numbers: defaultdict[int, int] = defaultdict(lambda: first)
    times: defaultdict[int, int] = defaultdict(lambda: 2**32 - 5000)
    found = []
    for each in packets:
        numbers[each.ssrc] = (numbers[each.ssrc] + each.step) & 0xFFFF
        times[each.ssrc] = (times[each.ssrc] + each.ticks) & 0xFFFFFFFF
        padding = bytes(each.padding - 1) + bytes([each.padding]) if each.padding else b""
        flags = 0x80 | (0x20 if padding else 0) | (0x10 if each.extension else 0) | each.sources
        plain = (
            bytes([flags, each.payload_type | (0x80 if each.marker else 0)])
            + numbers[each.ssrc].to_bytes(2)
            + times[each.ssrc].to_bytes(4)
            + each.ssrc.to_bytes(4)
            + bytes(4 * each.sources)
            + each.extension
            + each.payload
            + padding
        )
        try:
            packet = session.protect(plain)
        except pylibsrtp.Error:
            continue  # too far behind for libsrtp to send it
        if each.breaks == "forged":
            packet = packet[:-1] + bytes([packet[-1] ^ 1])
        elif each.breaks == "cut off":
            packet = packet[:-3]
        if each.breaks == "overtaken":
            overtaken.append((0.0, packet))
            continue
        found += [(each.after, packet), *overtaken]
        overtaken.clear()
        if each.breaks == "doubled":
            found.append((0.0, packet))
    return found


PROFILE = Policy.SRTP_PROFILE_AEAD_AES_256_GCM


class Receiver:
    """What stands behind the socket of a leg, for one kind of media, with all that it says.

    Attributes:
        estimated: What was said of the bit rate that comes through, which depends on nothing else.
        said: All the rest.
    """

    def __init__(
        self,
        kind: Kind,
        path: ReceivePath,
        transceiver: RTCRtpTransceiver,
        *,
        is_patient: bool = False,
    ) -> None:
        self.estimated: list[Any] = []
        self.said: list[Any] = []
        transceiver._codecs = CODECS[kind]
        transceiver._setCurrentDirection("sendrecv")
        self.transceiver = transceiver
        said, estimates, loop = self.said, self.estimated, asyncio.get_running_loop()
        feedback: Any = SimpleNamespace(
            missing=lambda *told: said.append(("missing", loop.time(), *told)),
            keyframe=lambda *told: said.append(("keyframe", loop.time(), *told)),
            bit_rate=lambda *told: estimates.append(("bit rate", *told)),
        )
        self.incoming = Incoming(
            kind,
            transceiver,
            path,
            feedback,
            on_first=lambda *told: said.append(told),
            on_unseen=lambda *told: said.append(told),
            on_keyframe=lambda *told: said.append(told),
            on_frame=said.append,
            on_frames=said.extend,
            on_digit=said.append,
            is_patient=lambda: is_patient,
        )
        self.incoming.learn({9: 7})
        estimate = None
        if kind == "video":
            estimate = IncomingBitRate(transceiver.receiver, feedback.bit_rate)
            counted = estimate.add_groups

            def add_groups(ssrc: int, groups: Sequence[Group]) -> None:
                estimates.extend((ssrc, *group) for group in groups)
                counted(ssrc, groups)

            estimate.add_groups = add_groups  # type: ignore[method-assign]
            estimate._ids = SimpleNamespace(abs_send_time=3)
        self._estimate = estimate
        session = Session(Policy(KEY, Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        transport: Any = SimpleNamespace(_state=State.CONNECTED, _handle_rtcp_data=None)
        self.early = EarlyPackets(transport, InboundSrtp(session, said.append, Counter()))
        for ssrc in SSRCS:
            self.early.streams[ssrc] = Taker(
                self.incoming._packet,
                self.incoming._next_packets,
                estimate,
                self.incoming._flow if is_patient else None,
            )

    def ask(self) -> None:
        """Look what was counted by now, and ask for a key frame."""
        self.said += [self.counted()]
        self.incoming.request_keyframe()

    def end(self) -> None:
        """Take nothing more, and estimate from what waits for more."""
        self.incoming.close()
        if self._estimate is not None:
            self._estimate._give()

    def counted(self) -> list[Any]:
        """Give all that was counted."""
        found: list[Any] = []
        freezes = self.incoming.freezes()  # first, as nobody has asked for anything
        for reception in (self.incoming.reception, self.incoming._repairs):
            found += [reception.received, reception.lost, reception.reordered, reception.jitter]
            found += [(ssrc, each.highest, each.lost) for ssrc, each in reception.streams.items()]
        return [*found, self.incoming.ssrc, freezes]


def together(datagrams: list[tuple[float, bytes]]) -> list[tuple[float, list[bytes]]]:
    """Put those together that come at once."""
    found: list[tuple[float, list[bytes]]] = []
    for after, datagram in datagrams:
        if after or not found:
            found.append((after, []))
        found[-1][1].append(datagram)
    return found


def take(early: EarlyPackets, datagrams: Sequence[bytes]) -> list[int]:
    """Take datagrams as a kernel may have joined them; give how many went short each time."""
    octets, joined, size = SocketPoll.running().room.octets, b"".join(datagrams), len(datagrams[0])
    octets[: len(joined)] = joined
    at, went = 0, []
    while at < len(joined):
        taken = early.lane(at, len(joined), size)
        if taken == at:
            taken = min(at + size, len(joined))
            early(bytes(octets[at:taken]))
        else:
            went.append(-(-(taken - at) // size))
        at = taken
    return went


async def received(
    kind: Kind,
    path: ReceivePath,
    datagrams: list[tuple[float, bytes]],
    *,
    short: bool,
    held_at: int | None = None,
    asked_at: int | None = None,
) -> tuple[list[Any], list[Any], list[int]]:
    """Receive datagrams; return what came of them, what was counted, and how many went short."""
    pc = RTCPeerConnection()
    receiver = Receiver(kind, path, pc.addTransceiver(kind))
    went: list[int] = []
    for at, (after, some) in enumerate(together(datagrams)):
        await asyncio.sleep(after)
        if at == held_at:
            receiver.transceiver._setCurrentDirection("sendonly")
        if at == asked_at:
            receiver.ask()
        for run in runs(some):
            if short:
                went += take(receiver.early, run)
            else:
                for datagram in run:
                    receiver.early(datagram)
    await asyncio.sleep(2)
    receiver.end()
    counted = receiver.counted()
    await pc.close()
    return receiver.said, [*counted, receiver.estimated], went


def on_staged_clock(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Any]) -> Any:
    """Run something on a loop whose clock is the only one there is."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, monkeypatch.context() as patch:
        loop: Any = runner.get_loop()
        # Whichever timers ring between two packets, those come at the very same moments.
        patch.setattr(loop, "time", lambda: round(loop.now, 6))
        patch.setattr(time, "monotonic", lambda: 1000 + loop.time())
        return runner.run(work())


@settings(deadline=None, max_examples=60)
@given(
    chance=st.integers(0, 1 << 32).map(random.Random),
    unusual=st.sampled_from([0.01, 0.03, 0.1, 0.3]),
    first=st.sampled_from([0, 1, 32766, 65530]),
    kind=st.sampled_from(["audio", "video"]),
    path=st.sampled_from([ReceivePath.PACKETS, ReceivePath.NONE]),
    held_at=st.none() | st.integers(0, 60),
    asked_at=st.none() | st.integers(0, 60),
)
def test_both_ways_come_to_the_same(
    chance: random.Random,
    unusual: float,
    first: int,
    kind: Kind,
    path: ReceivePath,
    held_at: int | None,
    asked_at: int | None,
) -> None:
    datagrams = written(sequence(chance, kind, unusual), first)
    with pytest.MonkeyPatch.context() as patch:
        work = partial(received, kind, path, datagrams, held_at=held_at, asked_at=asked_at)
        ours = on_staged_clock(patch, partial(work, short=True))
        theirs = on_staged_clock(patch, partial(work, short=False))
    assert ours[:2] == theirs[:2]


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_usual_packets_go_the_short_way(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [
        Packet(0.02, 7, 1, 960, 96, True, payload, EXTENSIONS[1], *REST)
        for payload in [PICTURES[0], *[PICTURES[1]] * 99]
    ]
    datagrams = written(usual, 65500)
    said, counted, went = on_staged_clock(
        monkeypatch, lambda: received(kind, ReceivePath.PACKETS, datagrams, short=True)
    )
    frames = [each for each in said if isinstance(each, EncodedFrame)]
    assert (len(frames), counted[0], counted[1]) == (100, 100, 0)
    assert went == [1] * 99  # whose stream the first one is was to be found out


def test_the_parts_of_a_picture_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [PICTURES[0], *[PICTURES[2]] * 7]
    usual = [
        Packet(
            0.0 if at else 0.03, 7, 1, 0 if at else 3000, 96, at == 7, part, EXTENSIONS[1], *REST
        )
        for _ in range(10)
        for at, part in enumerate(parts)
    ]
    datagrams = written(usual, 65500)
    said, counted, went = on_staged_clock(
        monkeypatch, lambda: received("video", ReceivePath.PACKETS, datagrams, short=True)
    )
    frames = [each for each in said if isinstance(each, EncodedFrame)]
    assert [each.data for each in frames] == [b"".join(part[1:] for part in parts)] * 10
    assert (counted[0], counted[1]) == (80, 0)
    assert went == [7] + [8] * 9


def test_a_forged_packet_ends_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [PICTURES[0], *[PICTURES[2]] * 3]
    usual = [
        Packet(0.0 if at else 0.03, 7, 1, 0, 96, at == 3, part, EXTENSIONS[1], *REST)
        for at, part in enumerate(parts)
    ]
    usual[-1] = replace(usual[-1], breaks="forged")
    said, *_ = on_staged_clock(
        monkeypatch, lambda: received("video", ReceivePath.PACKETS, written(usual, 7), short=True)
    )
    assert not [each for each in said if isinstance(each, EncodedFrame)]


CALLS = {"counted": 15, "recorded": 25}
"""Python functions that may be called for one packet of sound that comes in, at most."""


@pytest.mark.parametrize("use", CALLS)
def test_few_functions_are_called_for_a_packet(
    run: Run, use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "0")
    path = ReceivePath.NONE if use == "counted" else ReceivePath.PACKETS

    async def main() -> None:
        async with call(path, audio=Tone(), back_audio=Tone()) as (a, b):
            await b.counted("audio", 20)
            found: list[int] = []
            b.pc.media.sinks[:] = [lambda *_: None]  # as a recorder is, and no test's
            file = ends(b)[0].transport.get_extra_info("socket").fileno()
            watch(SocketPoll.running(), file, found)
            await a.counted("audio", a.statistics("audio").received + 40)
            usual, times = Counter(found).most_common(1)[0]
            assert times > len(found) // 2
            assert usual <= CALLS[use], found

    run(main)


def test_pictures_go_the_short_way_too(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone(), video=ClockPattern()) as (_, b):
            frames = await b.received("video", 10)
            went: list[bool] = []
            for protocol in ends(b):
                queue = protocol.receiver._queue
                lane = queue.lane

                def counted(at: int, length: int, size: int, lane: Any = lane) -> int:
                    taken: int = lane(at, length, size)
                    went.append(taken > at)
                    return taken

                queue.lane = counted
            more = await b.received("video", 30)
            assert [each.codec for each in more] == [frames[0].codec] * len(more)
            assert went.count(True) > 30
            assert not b.statistics("video").lost

    run(main)


def watch(poll: SocketPoll, file: int, found: list[int]) -> None:
    """Note how many Python functions are called each time that a socket is read."""
    read, hand_on, fail = poll._readers[file]

    def watched() -> None:
        calls: list[CodeType] = []

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                calls.append(frame.f_code)

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            read()
        finally:
            sys.setprofile(before)
        found.append(len(calls))

    poll._readers[file] = watched, hand_on, fail
