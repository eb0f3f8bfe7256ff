"""What holds of received video whatever comes: whole frames in order, bounds, no spinning."""

from copy import deepcopy
from math import inf

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, unpack_remb_fci
from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.rtcp import MOST_LOST, nack, pli, remb
from callboard.media.rtc.rtp.video.frame_assembler import AssembledFrame, FrameAssembler
from callboard.media.rtc.rtp.video.payload_format import FORMATS, Fragment
from callboard.media.rtc.rtp.video.receiver import VideoReceiver
from callboard.media.rtc.rtp.video.stream import VideoStream
from callboard.tests.media.video_packets import RTX_SSRC, SSRC, Picture, of, vp8_packets
from hypothesis import example, given, settings
from hypothesis import strategies as st

FILM = [
    vp8_packets(Picture(number, number % 10 == 0, packets=1 + number % 4), 65500 + 4 * number)
    for number in range(40)
]
"""Forty pictures, a key frame in ten."""


def closed() -> list[RtpPacket]:
    """The packets of the film, one number after the other, beyond the wrap."""
    packets = [packet for picture in FILM for packet in picture]
    for at, packet in enumerate(packets):
        packet.sequence_number = (65500 + at) % 65536
    return packets


PACKETS = closed()

steps = st.lists(
    st.tuples(
        st.sampled_from(["come", "lose", "late", "again", "twice", "wait", "want"]),
        st.floats(0, 0.3, allow_nan=False),
    ),
    min_size=len(PACKETS),
    max_size=len(PACKETS),
)


class Watcher:
    """A receiver, and what it gives and asks."""

    def __init__(self) -> None:
        self.receiver = VideoReceiver()
        self.receiver.learn(asks_again=True, repairs={})
        self.now = 0.0
        self.seen: list[int] = []
        self._asked = -inf
        self._late: list[RtpPacket] = []

    def play(self, packet: RtpPacket, fate: str, seconds: float) -> None:
        """Let something become of a packet."""
        if fate == "wait":
            self.now += seconds
        if fate == "late":
            self._late.append(packet)
        elif fate == "want":
            self.receiver.want_keyframe(self.now)
        elif fate == "again" and self._late:
            lost = self._late.pop()
            payload = lost.sequence_number.to_bytes(2) + lost.payload
            again = RtpPacket(97, 1, lost.timestamp, RTX_SSRC, payload, lost.marker)
            self._take(self.receiver.repair("VP8", 96, again, self.now))
        if fate in {"come", "again", "twice", "wait"}:
            self._take(self.receiver.receive("VP8", packet, self.now))
        if fate == "twice":
            self._take(self.receiver.receive("VP8", packet, self.now))
        self.now += 0.001
        self._tick()

    def _take(self, frames: tuple[AssembledFrame, ...]) -> None:
        for frame in frames:
            number = of(frame)
            self.seen.append(number)
            assert frame.data == b"".join(packet.payload[1:] for packet in FILM[number])
            assert frame.keyframe == (number % 10 == 0)

    def _tick(self) -> None:
        while self.receiver.deadline <= self.now:
            due = self.receiver.tick(self.now)
            self._take(due.frames)
            if due.keyframe:
                assert self.now - self._asked > 1 - 1e-9
                self._asked = self.now
            assert len(due.missing) <= VideoStream.MOST_MISSING
            assert self.receiver.deadline > self.now


@given(steps)
@settings(max_examples=60, deadline=None)
def test_frames_are_whole_in_order_and_follow_a_key_frame(steps: list[tuple[str, float]]) -> None:
    watcher = Watcher()
    for packet, (fate, seconds) in zip(PACKETS, steps, strict=True):
        watcher.play(packet, fate, seconds)
    seen = watcher.seen
    assert seen == sorted(set(seen))
    for before, after in zip([-1, *seen], seen, strict=False):
        assert after == before + 1 or after % 10 == 0  # nothing but a key frame after a gap


def state(one: object) -> object:
    """Give all that something holds."""
    if isinstance(one, dict):
        return {name: state(each) for name, each in one.items()}
    if type(one) is tuple:
        return tuple(map(state, one))
    held = one.__getstate__()
    return one if held is None else state(held)


@given(
    steps,
    st.lists(st.integers(0, 3), min_size=len(FILM), max_size=len(FILM)),
    st.sampled_from(["", "", "", "codec", "stream", "number"]),
)
@example([("come", 0.0)] * len(PACKETS), [2] * len(FILM), "")
@example([("wait", 0.2)] * len(PACKETS), [2] * len(FILM), "")
@settings(max_examples=30, deadline=None)
def test_whole_frames_are_taken_as_one_by_one(
    steps: list[tuple[str, float]], runs: list[int], wrong: str
) -> None:
    """After whatever has come; where that can't be, nothing happens."""
    watcher, at, is_taken = Watcher(), 0, False
    for number, count in enumerate(runs):
        some = FILM[number : number + count]
        if some:
            times = [watcher.now + steps[at][1] * each for each in range(len(some))]
            is_taken |= whole(watcher.receiver, some, times, wrong)
        for done, packet in enumerate(FILM[number]):
            if done and some:
                whole(watcher.receiver, [FILM[number][done:]], [watcher.now], wrong)
            watcher.play(packet, *steps[at])
            at += 1
    is_usual = all(fate == "come" for fate, _ in steps) and any(runs[1:])
    assert is_taken or wrong or not is_usual


def whole(
    receiver: VideoReceiver, some: list[list[RtpPacket]], times: list[float], wrong: str
) -> bool:
    """Give pictures to a receiver in both ways; tell whether it takes them together."""
    codec = "H264" if wrong == "codec" else "VP8"
    ssrc = SSRC + (wrong == "stream")
    number = some[0][0].sequence_number + (wrong == "number")
    timestamps = [picture[0].timestamp for picture in some]
    keys = [not picture[0].payload[1] & 1 for picture in some]
    sizes = list(map(len, some))
    ours, theirs = deepcopy(receiver), deepcopy(receiver)
    if not ours.receive_whole(codec, ssrc, number, sum(sizes), timestamps, keys, times):
        assert state(ours) == state(receiver)
        return False
    assert not wrong
    for size, timestamp, key, time in zip(sizes, timestamps, keys, times, strict=True):
        held = Fragment(b"data", first=True, key=key)
        frames = theirs.receive_next(codec, ssrc, number, size, timestamp, True, held, time)
        assert frames == (AssembledFrame(codec, b"data", timestamp, key, False),)
        number = (number + size) % 65536
    assert state(ours) == state(theirs)
    return True


@given(st.permutations(range(30)))
@settings(max_examples=50, deadline=None)
def test_any_order_within_the_deadline_is_put_right(order: list[int]) -> None:
    stream = VideoStream()
    stream.receive("VP8", PACKETS[0], 0.0)
    seen = [0]
    for place, at in enumerate(order):
        frames = stream.receive("VP8", PACKETS[1 + at], 0.001 * place)
        seen += [of(frame) for frame in frames]
    whole = sum(packet.marker for packet in PACKETS[:31])
    assert seen == list(range(whole))
    assert not stream._held


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65535),
            st.integers(0, 2**32 - 1),
            st.integers(1, 3),
            st.binary(max_size=40),
            st.booleans(),
            st.sampled_from(["VP8", "H264", "rtx"]),
            st.floats(0, 2),
        ),
        max_size=200,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_packets(packets: list[tuple[int, int, int, bytes, bool, str, float]]) -> None:
    found = VideoReceiver()
    found.learn(asks_again=True, repairs={})
    now = 0.0
    for number, timestamp, ssrc, payload, marker, codec, seconds in packets:
        packet = RtpPacket(96, number, timestamp, ssrc, payload, marker)
        if codec == "rtx":
            found.repair("VP8", 96, packet, now)
        else:
            found.receive(codec, packet, now)
        now += seconds
        if found.deadline <= now:
            found.tick(now)
            assert found.deadline > now
        stream = found._stream
        assert len(stream.missing) <= VideoStream.MOST_MISSING
        # Between the next number and the highest each is held or missed.
        if stream._highest is not None:
            between = set(range(stream._next, stream._highest + 1))
            assert between == set(stream._held) | {n for n in between if n in stream.missing}


@given(st.binary(max_size=60))
def test_any_payload_is_read_or_refused(payload: bytes) -> None:
    for read in FORMATS.values():
        try:
            fragment = read(payload)
        except ValueError:
            continue
        assert len(fragment.data) <= 8 * len(payload) + 8


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.integers(0, 3)), max_size=60))
def test_any_payloads_of_h264(payloads: list[tuple[bytes, bool, int]]) -> None:
    assembler = FrameAssembler()
    for payload, marker, timestamp in payloads:
        try:
            fragment = FORMATS["H264"](payload)
        except ValueError:
            assembler.spoil(timestamp)
            continue
        for frame in assembler.add("H264", timestamp, marker, fragment):
            assert frame.data
        assert len(assembler._sets) <= FrameAssembler.MOST_SETS
        assert len(assembler._ahead) <= FrameAssembler.MOST_SETS


@given(st.sets(st.integers(0, 2000), min_size=1, max_size=MOST_LOST), st.integers(0, 65535))
def test_nacks_say_what_is_missing(offsets: set[int], start: int) -> None:
    numbers = [(start + offset) % 65536 for offset in sorted(offsets)]
    octets = nack(7, SSRC, numbers)
    assert len(octets) <= 1100
    [packet] = RtcpPacket.parse(octets)
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.ssrc, packet.media_ssrc, packet.fmt) == (7, SSRC, 1)
    assert [number % 65536 for number in packet.lost] == numbers


@given(st.integers(1, 10**10), st.lists(st.integers(0, 2**32 - 1), max_size=31))
def test_bit_rates(most: int, streams: list[int]) -> None:
    [packet] = RtcpPacket.parse(remb(7, most, streams))
    assert isinstance(packet, RtcpPsfbPacket)
    said, ssrcs = unpack_remb_fci(packet.fci)
    assert ssrcs == streams
    assert said <= most < said * (1 + 2**-16)


def test_requests_for_a_key_frame() -> None:
    [packet] = RtcpPacket.parse(pli(7, SSRC))
    assert isinstance(packet, RtcpPsfbPacket)
    assert (packet.ssrc, packet.media_ssrc, packet.fmt, packet.fci) == (7, SSRC, 1, b"")
