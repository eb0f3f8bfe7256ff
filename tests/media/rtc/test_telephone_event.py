"""Keys as packets tell of them, and what becomes of those that are lost, late or sent twice."""

import asyncio
from itertools import pairwise

import pytest
from callboard.media import DIGITS, DigitBegan, DigitEnded, KeyPress
from callboard.media.rtc.rtp import key_presses
from callboard.media.rtc.rtp.digit_reader import AT_ONCE, QUIET, DigitReader
from callboard.media.rtc.rtp.key_presses import BETWEEN, STEP, WAIT, KeyPresses
from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.sequencer import Sequencer
from callboard.media.rtc.rtp.telephone_event import LONGEST, TelephoneEvent, check_digits
from callboard.tests.conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st

Told = list[DigitBegan | DigitEnded]

EVENT, SOUND = 110, 111


class Line:
    """The RTP stream of one who presses keys, between packets of sound."""

    def __init__(self, rate: int = 48000, event_rate: int = 48000) -> None:
        self.keys = KeyPresses()
        self.packets: list[RtpPacket] = []
        self.rate, self.event_rate = rate, event_rate
        self.steps = 0

    def go_on(self, steps: int) -> None:
        """Let time pass."""
        for _ in range(steps):
            at, timestamp = self.steps * STEP, round(self.steps * STEP * self.rate)
            self.steps += 1
            sent = self.keys.step(at, timestamp, self.rate, self.event_rate)
            for packet in sent:
                self._put(EVENT, packet.timestamp, packet.payload, packet.marker)
            if not sent:
                self._put(SOUND, timestamp, b"sound", False)

    def press(self, digits: str, seconds: float = 0.1) -> list[KeyPress]:
        """Press keys to the end, with some sound before and after."""
        self.go_on(5)
        presses = self.keys.press(digits, seconds)
        while not all(press.sent.done() for press in presses):
            self.go_on(1)
        self.go_on(10)
        return presses

    def events(self) -> list[tuple[RtpPacket, TelephoneEvent]]:
        """Give the packets that tell of keys, as they were sent."""
        return [
            (packet, TelephoneEvent.parse(packet.payload)[0][1])
            for packet in self.packets
            if packet.payload_type == EVENT
        ]

    def _put(self, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> None:
        number = (65_500 + len(self.packets)) % 65_536
        stamp = (timestamp + 4_294_900_000) % (1 << 32)
        self.packets.append(RtpPacket(payload_type, number, stamp, 7, payload, marker))


def read(packets: list[RtpPacket], rate: int = 48000, *sound_rates: int) -> Told:
    """Read what came, in the order in which it came, as a leg does."""
    reader, sequencer = DigitReader(), Sequencer()
    told: Told = []
    for at, packet in enumerate(packets):
        for due in sequencer.put(packet):
            if due.payload_type == EVENT:
                told += reader.take(due, rate, at * STEP, sound_rates)
        told += reader.tick(at * STEP)
    for due in sequencer.give_up():
        if due.payload_type == EVENT:
            told += reader.take(due, rate, len(packets) * STEP, sound_rates)
    return told + reader.tick(len(packets) * STEP + QUIET)


def pressed(told: Told) -> str:
    """Give the digits that were told, each once it began; each must end before the next begins."""
    for first, second in zip(told[::2], told[1::2], strict=True):
        assert isinstance(first, DigitBegan)
        assert isinstance(second, DigitEnded)
        assert first.digit == second.digit
    return "".join(each.digit for each in told[::2])


def sent(digits: str, seconds: float = 0.1, **rates: int) -> Line:
    """Press keys on a line of one's own."""

    async def main() -> Line:
        line = Line(**rates)
        line.press(digits, seconds)
        return line

    return asyncio.run(main())


@pytest.mark.parametrize(("rate", "event_rate"), [(48000, 48000), (8000, 8000), (48000, 8000)])
def test_a_press_takes_the_place_of_the_sound(rate: int, event_rate: int) -> None:
    line = sent("5", rate=rate, event_rate=event_rate)
    events = line.events()
    step = event_rate // 50
    assert [event.duration for _, event in events] == [step * n for n in (1, 2, 3, 4, 5, 5, 5)]
    assert [event.is_end for _, event in events] == [False] * 4 + [True] * 3
    assert [packet.marker for packet, _ in events] == [True] + [False] * 6
    assert {event.code for _, event in events} == {5}
    assert len({packet.timestamp for packet, _ in events}) == 1
    numbers = [packet.sequence_number for packet in line.packets]
    assert all((b - a) % 65_536 == 1 for a, b in pairwise(numbers))
    types = [packet.payload_type for packet in line.packets]
    at = types.index(EVENT)
    assert types[at : at + 7] == [EVENT] * 7  # no sound between them
    [told] = [each for each in read(line.packets, event_rate) if isinstance(each, DigitEnded)]
    assert told.seconds == pytest.approx(0.1)


def test_timestamps_never_go_back() -> None:
    stamps = [packet.timestamp for packet in sent("12#,5").packets]
    assert all((b - a) % (1 << 32) < 1 << 31 for a, b in pairwise(stamps))


def test_keys_are_told_apart_by_pauses() -> None:
    line = sent("11,1")
    beginnings = [at for at, packet in enumerate(line.packets) if packet.marker]
    assert len(beginnings) == 3
    assert (beginnings[1] - beginnings[0]) * STEP == pytest.approx(0.1 + BETWEEN)
    assert (beginnings[2] - beginnings[1]) * STEP >= 0.1 + WAIT


@pytest.mark.parametrize(("rate", "seconds"), [(48000, 5.0), (8000, 20.0)])
def test_a_long_press_is_sent_in_segments_and_told_once(rate: int, seconds: float) -> None:
    line = sent("#", seconds, rate=rate, event_rate=rate)
    stamps = sorted({(packet.timestamp - 1) % (1 << 32) for packet, _ in line.events()})
    segments = len(stamps)
    assert segments == int(seconds * rate) // LONGEST + 1 > 2
    full = [event for _, event in line.events() if event.duration == LONGEST]
    assert len(full) == segments - 1
    assert not any(event.is_end for event in full)
    assert [packet.marker for packet, _ in line.events()].count(True) == 1
    told = read(line.packets, rate)
    assert pressed(told) == "#"
    assert isinstance(told[1], DigitEnded)
    assert told[1].seconds == pytest.approx(seconds)


#: Clock rates of the sound and of the events, in Hz; what else the peer may send; whether its
#: timestamps go on by the events' clock, as those of some senders do.
CLOCKS = [
    (48000, 48000, [], False),
    (8000, 8000, [], False),
    (8000, 8000, [48000], False),
    (48000, 8000, [], False),
    (48000, 8000, [8000], False),
    (48000, 8000, [], True),
    (48000, 8000, [8000], True),
    (8000, 48000, [], False),
    (8000, 48000, [48000], False),
    (48000, 48000, [8000], False),
]


@pytest.mark.parametrize("seconds", [0.1, 1.36, 1.38, 5.0, 8.18, 8.2, 8.4, 20.0, 59.0])
@pytest.mark.parametrize(("rate", "event_rate", "others", "by_events"), CLOCKS)
def test_a_press_is_as_long_as_it_was_on_whichever_clocks(
    rate: int, event_rate: int, others: list[int], by_events: bool, seconds: float
) -> None:
    line = sent("#", seconds, rate=rate, event_rate=event_rate)
    first = line.events()[0][0].timestamp
    segments: dict[int, int] = {}
    before = 0
    for packet, event in line.events():
        stamp = (packet.timestamp - first) % (1 << 32)
        if stamp not in segments:
            before = sum(segments.values())
            assert stamp == before * rate // event_rate
        segments[stamp] = event.duration
        if by_events:
            packet.timestamp = (first + before) % (1 << 32)
    assert {*segments.values()} - {LONGEST, event.duration} == set()
    assert sum(segments.values()) / event_rate == pytest.approx(seconds)
    sound = sorted({rate, *others}, reverse=True)
    told = read(line.packets, event_rate, *sound)
    assert pressed(told) == "#"
    assert isinstance(told[1], DigitEnded)
    assert told[1].seconds == pytest.approx(seconds)


UNLIKE = pytest.mark.parametrize(
    ("rate", "event_rate"), [(48000, 48000), (48000, 8000), (8000, 48000)]
)


@UNLIKE
def test_segments_may_be_shorter_than_they_could_be(
    monkeypatch: pytest.MonkeyPatch, rate: int, event_rate: int
) -> None:
    monkeypatch.setattr(key_presses, "LONGEST", event_rate // 2)
    told = read(sent("4", 1.8, rate=rate, event_rate=event_rate).packets, event_rate, rate)
    assert pressed(told) == "4"
    assert isinstance(told[1], DigitEnded)
    assert told[1].seconds == pytest.approx(1.8)


@UNLIKE
def test_a_segment_that_is_lost_as_a_whole_makes_no_new_press(rate: int, event_rate: int) -> None:
    line = sent("1", 3.5 * LONGEST / event_rate, rate=rate, event_rate=event_rate)
    second = [*dict.fromkeys(packet.timestamp for packet, _ in line.events())][1]
    kept = [
        packet
        for packet in line.packets
        if packet.payload_type == SOUND or packet.timestamp != second
    ]
    assert pressed(read(kept, event_rate, rate)) == "1"


@UNLIKE
@pytest.mark.parametrize("lost", [0, 1])
def test_a_segment_whose_beginning_or_end_is_lost_is_no_new_press(
    lost: int, rate: int, event_rate: int
) -> None:
    seconds = 3 * LONGEST / event_rate
    line = sent("1", seconds, rate=rate, event_rate=event_rate)
    gaps = {at for at, packet in enumerate(line.packets) if packet.payload_type == EVENT}
    edges = [
        at
        for at in gaps
        if at + 1 in gaps and line.packets[at].timestamp != line.packets[at + 1].timestamp
    ]
    assert edges
    kept = [packet for at, packet in enumerate(line.packets) if at - lost not in edges]
    told = read(kept, event_rate, rate)
    assert pressed(told) == "1"
    assert isinstance(told[1], DigitEnded)
    assert told[1].seconds == pytest.approx(seconds, abs=2 * STEP)


def test_a_key_is_held_until_it_is_released(run: Run) -> None:
    async def main() -> None:
        line = Line()
        [press] = line.keys.press("7", None)
        line.go_on(30)
        assert not any(event.is_end for _, event in line.events())
        press.release()
        line.go_on(10)
        assert press.sent.result()
        assert line.events()[-1][1].duration == 31 * 960
        [short] = line.keys.press("8", None)
        short.release()
        line.go_on(10)
        assert line.events()[-1][1].duration == 2 * 960  # the shortest that is a tone

    run(main)


@pytest.mark.parametrize("steps", [0, 3, 6])
def test_who_waits_for_a_key_hears_when_the_line_is_closed(run: Run, steps: int) -> None:
    async def main() -> None:
        line = Line()
        presses = line.keys.press("12", 0.1)
        line.go_on(steps)
        line.keys.close()
        assert [press.sent.result() for press in presses] == [False, False]
        assert not line.keys.press("3", 0.1)[0].sent.result()

    run(main)


@pytest.mark.parametrize("wrong", ["", ",", "12x", "1 2", "+49", "ß", "①", "\0"])
def test_what_is_no_key_is_refused(run: Run, wrong: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="key"):
            KeyPresses().press(wrong, 0.1)

    run(main)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.039, 61.0, float("inf"), float("nan")])
def test_nobody_presses_so_long(run: Run, seconds: float) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="40ms to 60s"):
            KeyPresses().press("1", seconds)

    run(main)


def test_so_many_keys_do_not_wait(run: Run) -> None:
    async def main() -> None:
        keys = KeyPresses()
        keys.press("1" * 256, 0.1)
        with pytest.raises(ValueError, match="press fewer"):
            keys.press("1", 0.1)

    run(main)


def test_letters_may_be_small() -> None:
    assert check_digits("abcd*#19") == "ABCD*#19"


@pytest.mark.parametrize("wrong", ["x", "X", "e", "ß", "ŉ", "é", "-"])
def test_what_is_no_key_is_named_as_it_was_given(wrong: str) -> None:
    with pytest.raises(ValueError, match=f"there is '{wrong}' in it"):
        check_digits(f"12{wrong}")


@given(
    digits=st.text(DIGITS, min_size=1, max_size=8),
    chance=st.randoms(use_true_random=False),
    lost=st.floats(0, 0.9),
    late=st.floats(0, 0.5),
    twice=st.floats(0, 0.5),
)
@settings(max_examples=300)
def test_each_key_is_told_once_and_in_order(
    digits: str, chance: object, lost: float, late: float, twice: float
) -> None:
    """Whatever is lost, as long as one packet of each press comes, and nothing is 80 ms late."""
    line = sent(digits)
    draw = chance.random  # type: ignore[attr-defined]
    presses: dict[int, list[int]] = {}
    for at, packet in enumerate(line.packets):
        if packet.payload_type == EVENT:
            presses.setdefault(packet.timestamp, []).append(at)
    spared = {chance.choice(places) for places in presses.values()}  # type: ignore[attr-defined]
    spared.add(0)  # where the stream begins
    arrivals: list[tuple[float, RtpPacket]] = []
    for at, packet in enumerate(line.packets):
        if at not in spared and draw() < lost:
            continue
        arrivals.append((at + (4 * draw() if at and draw() < late else 0), packet))
        if draw() < twice:
            arrivals.append((at + 4 * draw(), packet))
    arrivals.sort(key=lambda each: each[0])
    assert pressed(read([packet for _, packet in arrivals])) == digits


def test_a_peer_that_sends_no_end_is_understood() -> None:
    line = sent("123")
    kept = [
        packet
        for packet in line.packets
        if packet.payload_type == SOUND or not TelephoneEvent.parse(packet.payload)[0][1].is_end
    ]
    assert pressed(read(kept)) == "123"


def test_silence_ends_a_press_and_what_comes_late_begins_no_other() -> None:
    reader = DigitReader()
    packet = RtpPacket(EVENT, 1, 1000, 7, TelephoneEvent(3, False, 960).pack(), True)
    assert reader.take(packet, 48000, 0.0) == [DigitBegan("3", 0.0)]
    assert reader.tick(QUIET - 0.01) == []
    assert reader.deadline == QUIET
    assert reader.tick(QUIET) == [DigitEnded("3", QUIET, 0.02)]
    late = RtpPacket(EVENT, 2, 1000, 7, TelephoneEvent(3, True, 4800).pack())
    assert reader.take(late, 48000, 1.0) == []


def test_a_packet_of_an_earlier_press_is_no_third_one() -> None:
    """A relay that numbers packets anew may send the last packet of a press behind the next one."""
    reader = DigitReader()
    told: Told = []
    for number, (stamp, code) in enumerate([(1000, 3), (9000, 4), (1000, 3), (9000, 4)]):
        event = TelephoneEvent(code, number > 1, 960).pack()
        told += reader.take(RtpPacket(EVENT, number, stamp, 7, event), 48000, number * STEP)
    assert pressed(told) == "34"


def test_short_presses_may_share_a_packet() -> None:
    payload = TelephoneEvent(1, True, 800).pack() + TelephoneEvent(2, True, 800).pack()
    packet = RtpPacket(EVENT, 1, 1000, 7, payload, True)
    assert pressed(DigitReader().take(packet, 8000, 0.0)) == "12"


@pytest.mark.parametrize(
    "payload",
    [b"", b"\1", b"\1\2\3", TelephoneEvent(16, True, 800).pack(), b"\xff" * 1200],
)
def test_what_is_no_key_is_not_told(payload: bytes) -> None:
    packet = RtpPacket(EVENT, 1, 1000, 7, payload, True)
    assert DigitReader().take(packet, 8000, 0.0) == []


def test_zeros_after_an_event_are_no_keys() -> None:
    packet = RtpPacket(EVENT, 1, 1000, 7, TelephoneEvent(1, True, 800).pack() + bytes(16), True)
    assert pressed(DigitReader().take(packet, 8000, 0.0)) == "1"


def test_a_flood_of_keys_is_cut_off() -> None:
    reader = DigitReader()
    told: Told = []
    for number in range(500):
        event = TelephoneEvent(number % 16, True, 160).pack()
        told += reader.take(RtpPacket(EVENT, number, number * 1000, 7, event, True), 8000, 0.0)
    assert AT_ONCE <= len(told) / 2 < AT_ONCE + 10
    assert reader.refused == 500 - len(told) // 2


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2**32 - 1), st.binary(max_size=40)),
        max_size=60,
    )
)
def test_whatever_a_stranger_sends_each_press_that_begins_ends(
    sent: list[tuple[int, int, bytes]],
) -> None:
    reader = DigitReader()
    told: Told = []
    for number, (ssrc, timestamp, payload) in enumerate(sent):
        packet = RtpPacket(EVENT, number, timestamp, ssrc, payload, bool(number % 2))
        told += reader.take(packet, 8000, number / 10)
    told += reader.end(10.0)
    assert len(pressed(told)) <= AT_ONCE + 10


def test_a_digit_is_not_shown() -> None:
    assert "7" not in repr(DigitBegan("7", 1.0)) + repr(DigitEnded("7", 1.0, 0.1))
