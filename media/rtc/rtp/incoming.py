"""One kind of media on its way into one leg."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from aiortc import RTCRtpCodecParameters, RTCRtpTransceiver

from ...frames.codec import CLOCK_RATES, TELEPHONE_EVENT, Unwrapper
from ...frames.frame import EncodedFrame, Kind
from ...frames.packed_sound import PackedSound
from ...frames.picture_batch import PictureBatch
from .. import _aiortc
from .._aiortc.early_packets import Place
from ..flows.inbound_flow import InboundFlow
from ..flows.picture_flow import PictureFlow, PictureRuns
from ..ice.socket_poll import SocketPoll
from .digit_reader import DigitReader
from .packet import RtpPacket
from .receive_path import ReceivePath
from .reports import Reports
from .sequencer import Sequencer
from .statistics import Reception, StreamCounter
from .telephone_event import DigitEvent
from .video.freezes import FreezeCount
from .video.payload_format import Fragment
from .video.receiver import VideoReceiver
from .video.stream import Frames

HELD = 0.1
"""Seconds for which a pressed key waits for sound that is missing before it."""

SOON = 0.002
"""Seconds in which the loop comes back at the earliest: what is due then is done together."""


RECEIVING = frozenset({"recvonly", "sendrecv"})
"""Directions of a transceiver in which media comes in."""


class _Format(NamedTuple):
    """What packets of a payload type hold.

    Attributes:
        name: The RTP encoding name.
        clock_rate: In Hz.
        original: The payload type of what is sent again, of "rtx" (`apt`, RFC 4588 §8.6).
        is_frame: Whether a packet is a frame, or a part of one.
    """

    name: str
    clock_rate: int
    original: int | None
    is_frame: bool


class Incoming:
    """Counts what comes in of one kind, and hands it on as the path says.

    Attributes:
        reception: The counters.
        receiver: aiortc's receiver.
        ssrc: The RTP stream that media came on last; None before the first packet.
    """

    def __init__(
        self,
        kind: Kind,
        transceiver: RTCRtpTransceiver,
        path: ReceivePath,
        reports: Reports,
        *,
        on_first: Callable[[Kind, float], None],
        on_unseen: Callable[[float], None],
        on_keyframe: Callable[[bool], None],
        on_frame: Callable[[EncodedFrame], None],
        on_frames: Callable[[Sequence[EncodedFrame]], None],
        on_digit: Callable[[DigitEvent], None],
        is_patient: Callable[[], bool],
    ) -> None:
        """Take a receiver that has not started.

        Args:
            kind: "audio" or "video".
            transceiver: Where it comes from.
            path: What becomes of it.
            reports: Tell the peer what comes in, and what is missing.
            on_first: Called with the kind and `loop.time()` in seconds at the first packet.
            on_unseen: Called with `loop.time()` when nothing can be shown of video that comes.
            on_keyframe: Called with False when the peer is asked for a key frame, with True when
                one has come for that.
            on_frame: Called with each encoded frame, unless the path is `none`.
            on_frames: Called in its place with several, where `is_patient` says so.
            on_digit: Called when the peer presses a key and when it lets it go, on each path.
            is_patient: Tells whether frames may come together, some seconds late.
        """
        self.kind = kind
        self.receiver = transceiver.receiver
        self.reception = Reception()
        self.reports = reports
        self._repairs = Reception()
        self._formats: dict[int, _Format] = {}
        self._digits = DigitReader()
        self._flowing = ""
        self._digit_timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._knows_keys = False
        self._met = False
        self._asked = False
        self._on_digit = on_digit
        self._on_first = on_first
        self._on_frame = on_frame
        self._on_frames = on_frames
        self._on_keyframe = on_keyframe
        self._on_unseen = on_unseen
        self._path = path
        self._sequencer = Sequencer()
        self._sound_rates: list[int] = []
        self.ssrc: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        # uvloop's handle of what is due within half a millisecond does not tell when that is.
        self._wakes_at = inf
        self._transceiver = transceiver
        self._unwrapper = Unwrapper()
        is_seen = kind == "video" and path is not ReceivePath.NONE
        self._video = VideoReceiver() if is_seen else None
        self._sockets = SocketPoll.running()
        self._cut = self._sockets.room.cut
        self._is_patient = is_patient
        self._flow = self._make_flow()
        _aiortc.take_packets(
            self.receiver,
            self._packet,
            self._next_packets,
            self._counter,
            reports,
            self._flow,
        )

    def freezes(self) -> FreezeCount:
        """Give when received video stood still, up to now."""
        if self._video is None:
            return FreezeCount(0, 0.0, ())
        self.settle()
        return self._video.frozen(self._loop.time())

    def learn(self, repairs: Mapping[int, int]) -> None:
        """Take what was negotiated; numbers of before go on to mean the same (RFC 3264 §8.3.2).

        Args:
            repairs: SSRC of retransmissions → SSRC of what is retransmitted (RFC 5576 §4.2).
        """
        self.take_back()
        agreed = _aiortc.codecs(self._transceiver)
        for payload_type, codec in agreed.items():
            apt = codec.parameters.get("apt")
            original = apt if isinstance(apt, int) else None
            is_frame = codec.name in CLOCK_RATES
            self._formats[payload_type] = _Format(codec.name, codec.clockRate, original, is_frame)
        rates = {each.clock_rate for each in self._formats.values() if each.is_frame}
        self._sound_rates = sorted(rates, reverse=True)
        self._knows_keys = any(each.name == TELEPHONE_EVENT for each in self._formats.values())
        if self._video is None:
            return
        first = next(iter(agreed.values()), None)
        asks_again = first is not None and any(
            each.type == "nack" and not each.parameter for each in first.rtcpFeedback
        )
        self._video.learn(asks_again=asks_again, repairs=repairs)
        if not self._is_receiving:
            self._video.pause(self._loop.time())

    def request_keyframe(self) -> None:
        """Ask the peer for a key frame of video, and again until one comes.

        At once, or with the first packet if none has come; at most once a second, however many ask.
        """
        if self._video is not None:
            self.take_back()
            now = self._loop.time()
            self._video.want_keyframe(now)
            self._look(now)

    def close(self) -> None:
        """Take nothing more."""
        self.take_back()
        self._path = ReceivePath.NONE
        if self._timer is not None:
            self._timer.cancel()
        if self._digit_timer is not None:
            self._digit_timer.cancel()
        self._tell(self._digits.end(self._loop.time()))
        if self._video is not None:
            self._video.pause(self._loop.time())

    @property
    def _is_receiving(self) -> bool:
        direction = self._transceiver.currentDirection
        return self._path is not ReceivePath.NONE and direction in RECEIVING

    def _make_flow(self) -> InboundFlow | None:
        flows = self._sockets.flows
        if flows is None:
            return None
        if self.kind == "audio":
            return InboundFlow(flows, self._flowed, self.take_back)
        return PictureFlow(flows, self._pictures_flowed, self.take_back)

    def _counter(self, ssrc: int, codec: RTCRtpCodecParameters) -> StreamCounter:
        reception = self._repairs if codec.name == "rtx" else self.reception
        return reception.stream(ssrc, codec.clockRate)

    def _next_packets(
        self, ssrc: int, marked_type: int, number: int, timestamp: int, places: Sequence[Place]
    ) -> None:
        """Take a run that lies in the sockets' room as `_packet` would take its packets.

        Args:
            ssrc: Its stream.
            marked_type: The marker of its last packet, and the payload type of all.
            number: The first sequence number; the others follow.
            timestamp: The RTP timestamp of all.
            places: Where each payload begins and ends.
        """
        now = self._loop.time()
        if self._flow is not None:
            self.take_back()
        found = self._formats.get(marked_type & 0x7F)
        counter = self.reception.streams.get(ssrc)
        if found is None or counter is None or not found.is_frame or ssrc != self.ssrc:
            for packet in self._read(ssrc, marked_type, number, timestamp, places):
                self._packet(packet)
            return
        counter.add(number, timestamp, now)
        if len(places) > 1:
            counter.add_next(len(places) - 1, number, timestamp, now)
        if self._video is None:
            is_done = self._next_sound(found.name, marked_type, number, timestamp, places)
        else:
            is_done = self._next_pictures(found.name, ssrc, marked_type, number, timestamp, places)
        if not is_done:
            for packet in self._read(ssrc, marked_type, number, timestamp, places):
                self._take(found.name, packet, now)

    def _next_sound(
        self, codec: str, marked_type: int, number: int, timestamp: int, places: Sequence[Place]
    ) -> bool:
        """Take a run of sound; False if its packets are to be put in order, one by one."""
        is_receiving = self._is_receiving
        if is_receiving or self._knows_keys:
            if len(places) > 1 or not self._sequencer.passes(number):
                return False
            start, end = places[0]
            if is_receiving and start < end:
                now = self._loop.time()
                self._encoded(codec, self._cut[start:end], timestamp, now, keyframe=True)
        if self._flow is not None:
            self._lend(codec, marked_type, number + len(places) - 1 & 0xFFFF, is_receiving)
        return True

    def _next_pictures(
        self,
        codec: str,
        ssrc: int,
        marked_type: int,
        number: int,
        timestamp: int,
        places: Sequence[Place],
    ) -> bool:
        """Take a run of pictures; False as `_next_sound`."""
        video, now = self._video, self._loop.time()
        assert video is not None  # noqa: S101 -- it is known that they come
        is_receiving, is_marked = self._is_receiving, marked_type > 0x7F
        if is_receiving:
            payloads = [self._cut[start:end] for start, end in places]
            frames = video.receive_next(
                codec, ssrc, number, len(payloads), timestamp, is_marked, payloads, now
            )
            if frames is None:
                return False
            self._seen(video, frames, now)
            if not (frames and is_marked and video.is_steady):
                return True
        if self._flow is not None:
            self._lend(codec, marked_type, number + len(places) - 1 & 0xFFFF, is_receiving)
        return True

    def _lend(self, codec: str, marked_type: int, number: int, is_receiving: bool) -> None:
        """Lend what follows the packet of a number to the compiled part."""
        flow, ssrc = self._flow, self.ssrc
        if flow is None or ssrc is None or (is_receiving and not self._is_patient()):
            return
        counter = self.reception.streams[ssrc]
        if counter.highest & 0xFFFF != number:
            return  # it came late: another one is due
        self._flowing = codec
        kept = codec if is_receiving else ""
        flow.want(ssrc, marked_type & 0x7F, number + 1 & 0xFFFF, counter, codec=kept)

    def take_back(self) -> None:
        """Take what was lent back: something else may be wanted now."""
        flow = self._flow
        if flow is not None and flow.is_live:
            self._sequencer.go_on(flow.end())

    def settle(self) -> None:
        """Count and hand on what has come where it was lent."""
        if self._flow is not None and self._flow.is_live:
            self._flow.settle()

    def _flowed(self, records: bytes) -> None:
        codec = self._flowing
        unwrap = self._unwrapper.map_all
        self._on_frames(PackedSound(codec, CLOCK_RATES[codec], records, unwrap))

    def _pictures_flowed(self, runs: PictureRuns) -> None:
        video, ssrc, codec = self._video, self.ssrc, self._flowing
        assert video is not None  # noqa: S101 -- nothing is kept else
        assert ssrc is not None  # noqa: S101 -- it is what was lent
        data, timestamps, arrivals, keyframes = [], [], [], []
        at, numbers = 0, runs.numbers
        while at < len(runs):
            end = at + runs.whole_from(at)
            came, when, keys = runs.timestamps[at:end], runs.arrivals[at:end], runs.keys(at, end)
            count = numbers[end] - numbers[at]
            if count and video.receive_whole(codec, ssrc, numbers[at], count, came, keys, when):
                data += runs.kept[at:end]
                timestamps += came
                arrivals += when
                keyframes += keys
            else:
                end = max(end, at + 1)
                for each in range(at, end):
                    for frame in self._take_run(video, ssrc, runs, each):
                        data.append(frame.data)
                        timestamps.append(frame.timestamp)
                        arrivals.append(runs.arrivals[each])
                        keyframes.append(frame.keyframe)
            at = end
        if data:
            places, rate = self._unwrapper.map_all(timestamps), CLOCK_RATES[codec]
            self._on_frames(PictureBatch(codec, rate, data, places, arrivals, keyframes))
        if not video.is_steady:
            self.take_back()
            self._look(self._loop.time())

    def _take_run(self, video: VideoReceiver, ssrc: int, runs: PictureRuns, at: int) -> Frames:
        """Take one run that may be less than a whole frame, or more."""
        held: list[bytes] | Fragment
        if runs.is_read(at):
            held = Fragment(runs.kept[at], runs.is_first(at), runs.keys(at, at + 1)[0])
        else:
            held = runs.payloads(at)
        frames = video.receive_next(
            self._flowing,
            ssrc,
            runs.numbers[at] & 0xFFFF,
            runs.numbers[at + 1] - runs.numbers[at],
            runs.timestamps[at],
            runs.is_marked(at),
            held,
            runs.arrivals[at],
        )
        return frames or ()

    def _read(
        self, ssrc: int, marked_type: int, number: int, timestamp: int, places: Sequence[Place]
    ) -> list[RtpPacket]:
        packets = [
            RtpPacket(
                marked_type & 0x7F,
                number + at & 0xFFFF,
                timestamp,
                ssrc,
                self._cut[start:end],
            )
            for at, (start, end) in enumerate(places)
        ]
        packets[-1].marker = marked_type > 0x7F
        return packets

    def _packet(self, packet: RtpPacket) -> None:
        self.take_back()
        found = self._formats.get(packet.payload_type)
        if found is None:
            return
        name, clock_rate = found.name, found.clock_rate
        now = self._loop.time()
        if name == "rtx":
            self._repair(found, packet, now)
            return
        if not self._met:
            self._met = True
            self._on_first(self.kind, now)
        self.reception.add(packet.ssrc, packet.sequence_number, packet.timestamp, clock_rate, now)
        if self.ssrc != packet.ssrc:
            self.ssrc = packet.ssrc
            self._sequencer = Sequencer()
        if not self._is_receiving and not self._knows_keys:
            return
        self._take(name, packet, now)
        if name == TELEPHONE_EVENT and self._digit_timer is None:
            self._digit_timer = self._loop.call_later(HELD, self._digit_due)

    def _take(self, codec: str, packet: RtpPacket, now: float) -> None:
        """Put a packet in its place, and hand on what is whole now."""
        if self._video is not None:
            self._seen(self._video, self._video.receive(codec, packet, now), now)
            return
        for due in self._sequencer.put(packet):
            self._sound(due, now)

    def _seen(self, video: VideoReceiver, frames: Frames, now: float) -> None:
        if frames:
            self._give(frames, now)
        if video.deadline < inf:
            self._look(now)

    def _repair(self, repair: _Format, packet: RtpPacket, now: float) -> None:
        """Take a video packet that was sent again (RFC 4588)."""
        self._repairs.add(
            packet.ssrc, packet.sequence_number, packet.timestamp, repair.clock_rate, now
        )
        original = repair.original
        found = None if original is None else self._formats.get(original)
        if original is None or found is None or self._video is None or not self._is_receiving:
            return
        self._seen(self._video, self._video.repair(found.name, original, packet, now), now)

    def _sound(self, packet: RtpPacket, now: float) -> None:
        """Hand an audio packet on: it is a whole frame (RFC 7587 §4.2, RFC 3551 §4.5.14)."""
        found = self._formats.get(packet.payload_type)
        if found is None or not packet.payload:
            return
        if found.name == TELEPHONE_EVENT:
            self._tell(self._digits.take(packet, found.clock_rate, now, self._sound_rates))
        elif self._is_receiving:
            self._encoded(found.name, packet.payload, packet.timestamp, now, keyframe=True)

    def _digit_due(self) -> None:
        """Wait no longer for what is missing before a key, or for the end of its press."""
        self._sockets.catch_up()
        now = self._loop.time()
        self._digit_timer = None
        for packet in self._sequencer.give_up():
            self._sound(packet, now)
        self._tell(self._digits.tick(now))
        if self._digits.deadline < inf:
            self._digit_timer = self._loop.call_at(
                max(self._digits.deadline, now + SOON), self._digit_due
            )

    def _tell(self, told: list[DigitEvent]) -> None:
        for each in told:
            self._on_digit(each)

    def _give(self, frames: Frames, now: float) -> None:
        if not frames:
            return
        if self._asked and self._video is not None and not self._video.awaits_keyframe:
            self._asked = False
            self._on_keyframe(True)
        for frame in frames:
            self._encoded(frame.codec, frame.data, frame.timestamp, now, keyframe=frame.keyframe)

    def _look(self, now: float) -> None:
        """Do for video what is to be done now, and come back when more is."""
        video = self._video
        if video is None or not self._is_receiving:
            return
        if video.deadline <= now:
            due = video.tick(now)
            if video.ssrc is not None and due.keyframe:
                self.reports.keyframe(video.ssrc)
                if not self._asked:
                    self._asked = True
                    self._on_keyframe(False)
            if video.ssrc is not None and due.missing:
                self.reports.missing(video.ssrc, due.missing)
            self._give(due.frames, now)
            if video.is_unseen(now):
                self._on_unseen(now)
        if video.deadline < self._wakes_at:
            if self._timer is not None:
                self._timer.cancel()
            self._wakes_at = max(video.deadline, now + SOON)
            self._timer = self._loop.call_at(self._wakes_at, self._wake)

    def _wake(self) -> None:
        self._timer, self._wakes_at = None, inf
        self._sockets.catch_up()
        self._look(self._loop.time())

    def _encoded(
        self, codec: str, data: bytes, timestamp: int, now: float, *, keyframe: bool
    ) -> None:
        self._on_frame(self._placed(codec, data, timestamp, now, keyframe=keyframe))

    def _placed(
        self, codec: str, data: bytes, timestamp: int, now: float, *, keyframe: bool
    ) -> EncodedFrame:
        """Give a frame with its place on the timeline."""
        timestamp, rate = self._unwrapper.map(timestamp), CLOCK_RATES[codec]
        return EncodedFrame(self.kind, codec, data, timestamp, rate, now, keyframe)
