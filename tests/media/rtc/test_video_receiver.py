"""Received video over bad lines, on a staged clock: whole pictures, no backlog, few requests."""

import random
from itertools import pairwise

import pytest
from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.video.keyframe_requests import KeyframeRequests
from callboard.media.rtc.rtp.video.receiver import VideoReceiver
from callboard.media.rtc.rtp.video.stream import VideoStream
from callboard.tests.media.video_packets import (
    RTX_SSRC,
    SSRC,
    Camera,
    Fate,
    Given,
    Picture,
    of,
    play,
    vp8_packets,
)

ONE = 3 * 61
"""The packet that is lost where one is: of the camera's third second."""


def receiver(*, asks_again: bool = True) -> VideoReceiver:
    found = VideoReceiver()
    found.learn(asks_again=asks_again, repairs={RTX_SSRC: SSRC})
    return found


def fine(now: float, dice: random.Random) -> float | None:
    del now, dice
    return 0.0


def once(*gone: tuple[float, float]) -> Fate:
    """Lose what leaves between two moments."""

    def fate(now: float, dice: random.Random) -> float | None:
        del dice
        return None if any(start <= now < end for start, end in gone) else 0.0

    return fate


def at_random(share: float, *, late: float = 0.0) -> Fate:
    """Lose a share of the packets, and let another share be 30 ms late."""

    def fate(now: float, dice: random.Random) -> float | None:
        del now
        chance = dice.random()
        if chance < share:
            return None
        return 0.03 if chance < share + late else 0.0

    return fate


def bursts(now: float, dice: random.Random) -> float | None:
    """Lose 50 ms of every second or so."""
    del dice
    return None if (now * 0.93) % 1.0 < 0.05 else 0.0


def check(given: Given) -> None:
    """What holds on any line: pictures in order, each once, requests a second apart."""
    numbers = given.numbers()
    assert numbers == sorted(set(numbers))
    steps = [later - earlier for earlier, later in pairwise(given.keyframes_asked)]
    assert all(step > KeyframeRequests.EVERY - 1e-6 for step in steps)


def longest(given: Given) -> float:
    return max(later - earlier for (earlier, _), (later, _) in pairwise(given.pictures))


def test_in_order_nothing_is_held_and_nothing_asked() -> None:
    found = receiver()
    given = play(Camera(), found, 20, fine)
    assert given.numbers() == list(range(len(given.pictures)))
    assert len(given.pictures) >= 20 * 30 - 1
    assert (given.keyframes_asked, given.nacked, found.freezes.count) == ([], 0, 0)
    assert found.deadline == float("inf")


@pytest.mark.parametrize("repairs", ["rtx", "same", ""])
@pytest.mark.parametrize("asks_again", [True, False])
def test_one_packet_is_lost(repairs: str, asks_again: bool) -> None:
    camera, found = Camera(repairs=repairs), receiver(asks_again=asks_again)
    lost = iter([number == ONE for number in range(10_000)])
    given = play(camera, found, 10, lambda _, __: None if next(lost, False) else 0.0)
    check(given)
    assert given.numbers()[-1] >= 295
    if repairs and asks_again:
        assert given.numbers() == list(range(len(given.pictures)))
        assert longest(given) < 0.12
        assert (found.freezes.count, given.keyframes_asked) == (0, [])
    else:
        assert longest(given) <= 0.5
        assert found.freezes.count == 1
        assert 0.15 <= found.freezes.seconds <= 0.5
        assert len(given.keyframes_asked) == 1


@pytest.mark.parametrize("repairs", ["rtx", ""])
def test_the_beginning_is_lost(repairs: str) -> None:
    given = play(Camera(repairs=repairs), receiver(), 5, once((0, 1.5)))
    check(given)
    assert given.pictures[0][0] <= 1.5 + 0.3
    assert longest(given) < 0.2


@pytest.mark.parametrize("repairs", ["rtx", "same", ""])
@pytest.mark.parametrize("seconds", [0.4, 0.7, 1.0, 1.3, 2.1, 3.0, 10.0])
def test_after_an_outage_it_goes_on_in_step(repairs: str, seconds: float) -> None:
    camera = Camera(repairs=repairs, packets=5)
    back = 4.0 + seconds
    # A packet just before it is missing too, so that somebody has asked for a key frame by then.
    found = receiver()
    given = play(camera, found, back + 4, once((3.97, 3.98), (4.0, back)))
    check(given)
    assert given.after(back) <= back + 0.5
    # No backlog: what is shown is what the camera has just taken.
    assert all(when - number / 30 <= 0.12 for when, number in given.pictures if when > back + 0.5)
    assert found.freezes.count == 1
    assert found.freezes.seconds == pytest.approx(seconds, abs=0.5)


@pytest.mark.parametrize("delay", [0.001, 0.02])
@pytest.mark.parametrize("share", [0.01, 0.03, 0.1])
def test_so_much_is_frozen_at_random_loss(share: float, delay: float) -> None:
    found = receiver()
    given = play(Camera(), found, 60, at_random(share), delay=delay)
    check(given)
    assert found.freezes.seconds / 60 <= share
    assert len(given.pictures) >= 60 * 30 * 0.9


def test_without_retransmission_key_frames_keep_it_going() -> None:
    found = receiver(asks_again=False)
    given = play(Camera(repairs=""), found, 60, at_random(0.01))
    check(given)
    # One key frame in nine is damaged, and then the peer is asked again a second later.
    assert longest(given) <= 4
    assert found.freezes.seconds <= 30
    assert given.nacked == 0


def test_bursts() -> None:
    found = receiver()
    given = play(Camera(packets=10), found, 60, bursts)
    check(given)
    assert len(given.pictures) >= 60 * 30 * 0.95
    assert found.freezes.seconds <= 3


@pytest.mark.parametrize("repairs", ["rtx", "same", ""])
def test_late_packets_get_their_place(repairs: str) -> None:
    found = receiver(asks_again=bool(repairs))
    given = play(Camera(repairs=repairs), found, 30, at_random(0.0, late=0.05))
    check(given)
    assert given.numbers() == list(range(given.numbers()[0], given.numbers()[-1] + 1))
    assert found.freezes.count == 0


def test_who_needs_pictures_gets_a_key_frame_at_once() -> None:
    camera = Camera()
    given = play(camera, receiver(), 10, fine, asked=[4.0, 4.01, 4.2, 4.3, 7.0])
    check(given)
    # All who ask before it comes are answered together, and those after it within a second.
    assert given.keyframes_asked == pytest.approx([4.0, 5.0, 7.0])
    assert camera.keyframes == [0, 121, 151, 211]


def test_who_asks_is_not_forgotten() -> None:
    """The first key frame, the answer to the first request and that request may all be lost."""
    camera = Camera(repairs="")
    given = play(camera, receiver(), 10, once((0, 0.5), (0.52, 1.2)), asked=[0.1])
    check(given)
    assert given.pictures[0][0] <= 2.7


def test_nobody_is_asked_before_anything_came() -> None:
    found = receiver()
    found.want_keyframe(1.0)
    assert found.deadline == float("inf")
    [_, middle, *_] = vp8_packets(Picture(5, key=False), 100)
    found.receive("VP8", middle, 2.0)
    assert found.deadline <= 2.0
    assert found.tick(2.0).keyframe


def test_a_peer_that_sends_no_key_frame_is_told_of_once() -> None:
    found = receiver()
    told = []
    for number in range(300):
        now = number / 30
        for packet in vp8_packets(Picture(number, key=number == 200), 3 * number):
            found.receive("VP8", packet, now)
        found.tick(now)
        if found.is_unseen(now):
            told.append(now)
    assert told == [pytest.approx(5.0, abs=0.1)]


def test_a_peer_that_is_silent_is_asked_twice() -> None:
    found = receiver()
    for packet in vp8_packets(Picture(0, key=True), 0):
        found.receive("VP8", packet, 0.0)
    found.want_keyframe(1.0)
    asked = []
    while found.deadline < 100:
        now = max(found.deadline, 1.0)
        if found.tick(now).keyframe:
            asked.append(now)
    assert asked == [1.0, 2.0]
    found.receive("VP8", vp8_packets(Picture(300, key=False), 3)[0], 10.0)
    assert found.tick(10.0).keyframe


def test_another_ssrc_is_followed_and_the_old_one_left() -> None:
    found = receiver()
    old = [p for n in range(4) for p in vp8_packets(Picture(n, n == 0), 100 + 3 * n)]
    new = [p for n in range(4) for p in vp8_packets(Picture(9 + n, n == 0), 7 + 3 * n, ssrc=1)]
    frames = [of(f) for p in old[:9] for f in found.receive("VP8", p, 0.0)]
    # What is left of the old one comes between the packets of the new one.
    mixed = [new[0], old[9], new[1], old[10], *new[2:], old[11]]
    frames += [of(f) for p in mixed for f in found.receive("VP8", p, 0.1)]
    assert frames == [0, 1, 2, 9, 10, 11, 12]
    assert found.ssrc == 1
    # And back, when the new one has been silent for long.
    back = vp8_packets(Picture(30, key=True), 40000)
    assert [of(f) for p in back for f in found.receive("VP8", p, 5.0)] == [30]


def test_a_retransmission_of_another_stream_is_left_out() -> None:
    found = receiver()
    packets = vp8_packets(Picture(0, key=True), 10)
    found.receive("VP8", packets[0], 0.0)
    found.receive("VP8", packets[2], 0.0)
    again = (11).to_bytes(2) + packets[1].payload
    stranger = RtpPacket(97, 1, packets[1].timestamp, 77, again)
    found.learn(asks_again=True, repairs={77: 78})
    assert found.repair("VP8", 96, stranger, 0.1) == ()
    found.learn(asks_again=True, repairs={})  # a peer that does not say which repairs which
    assert [of(frame) for frame in found.repair("VP8", 96, stranger, 0.1)] == [0]
    for payload in (b"", b"x", again):  # padding, damage, and once more
        assert found.repair("VP8", 96, RtpPacket(97, 2, 0, 77, payload), 0.1) == ()


def test_a_frame_of_a_thousand_packets() -> None:
    camera = Camera(packets=250, rate=2, history=3000)
    given = play(camera, receiver(), 20, at_random(0.03))
    check(given)
    assert given.numbers() == list(range(len(given.pictures)))
    assert len(given.pictures) >= 38


def test_little_is_kept_whatever_comes() -> None:
    found = VideoStream()
    first = vp8_packets(Picture(0, key=True, packets=2), 0)
    found.receive("VP8", first[0], 0.0)
    for number in range(2, 20_000):
        packet = RtpPacket(96, number % 65536, 0, SSRC, b"\0" + bytes(1000))
        found.receive("VP8", packet, number / 1_000_000)
        assert len(found._held) <= VideoStream.MOST_HELD + 1
        assert len(found.missing) <= VideoStream.MOST_MISSING
        assert sum(map(len, found._assembler._data)) <= found._assembler.LARGEST
