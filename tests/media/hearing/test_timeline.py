"""Received sound on one unbroken timeline: whatever is lost, late, paused or changed."""

from itertools import pairwise

import numpy as np
import pytest
from callboard.media.codecs.sound import SOUND_CODECS, Samples
from callboard.media.frames.frame import EncodedFrame
from callboard.media.hearing.timeline import BLOCK, CLOCK, Block, SoundTimeline
from callboard.tests.media.hearing.sound import frames, level, packets, pitch, tone
from hypothesis import given, settings
from hypothesis import strategies as st

TONES = {codec: packets(codec, tone(440, SOUND_CODECS[codec].rate, 1.0)) for codec in SOUND_CODECS}


def heard(coming: list[EncodedFrame], channels: int = 1) -> list[Block]:
    timeline = SoundTimeline()
    return [block for frame in coming for block in timeline.hear(frame, {channels})]


def joined(blocks: list[Block], channels: int = 1) -> Samples:
    check(blocks)
    return np.concatenate([block.sound[channels] for block in blocks])


def check(blocks: list[Block]) -> None:
    for block in blocks:
        for channels, sound in block.sound.items():
            assert sound.shape == (block.rate // 50, channels)
            assert sound.dtype == np.int16
    assert all(b.timestamp - a.timestamp == BLOCK for a, b in pairwise(blocks))


@pytest.mark.parametrize("codec", SOUND_CODECS)
@pytest.mark.parametrize("channels", [1, 2])
def test_each_frame_is_a_block_at_once(codec: str, channels: int) -> None:
    blocks = heard(frames(codec, TONES[codec], begin=123_456), channels)
    check(blocks)
    assert len(blocks) == len(TONES[codec])
    assert blocks[0].timestamp == 0
    own = channels if codec == "opus" else 1
    assert pitch(joined(blocks, own)[:, 0], blocks[0].rate) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("lost", [1, 3, 5])
def test_the_codec_conceals_what_is_lost(lost: int) -> None:
    coming = frames("opus", TONES["opus"])
    blocks = heard(coming[:20] + coming[20 + lost :])
    assert len(joined(blocks)) == CLOCK
    made_up = joined(blocks[20 : 20 + lost])
    assert level(made_up) > 1000
    assert pitch(made_up[:, 0], CLOCK) == pytest.approx(440, abs=50)


@pytest.mark.parametrize(("codec", "lost"), [("opus", 20), ("PCMU", 1), ("PCMA", 20)])
def test_a_gap_is_silence_of_its_length(codec: str, lost: int) -> None:
    coming = frames(codec, TONES[codec])
    blocks = heard(coming[:20] + coming[20 + lost :])
    check(blocks)
    assert len(blocks) == 50
    silent = blocks[25 : 20 + lost] if codec == "opus" else blocks[20 : 20 + lost]
    assert not joined(silent).any()


def test_a_frame_that_is_no_sound_is_like_a_lost_one() -> None:
    coming = frames("opus", TONES["opus"])
    coming[20] = coming[20]._replace(data=b"\xff")
    blocks = heard(coming)
    assert len(joined(blocks)) == CLOCK
    assert level(blocks[20].sound[1]) > 1000


def test_it_goes_on_when_the_codec_changes() -> None:
    coming = [
        *frames("opus", TONES["opus"][:25], begin=5_000_000),
        *frames("PCMU", TONES["PCMU"][:25], begin=5_000_000 + 24_000, arrival=0.5),
        *frames("opus", TONES["opus"][25:], begin=5_000_000 + 48_000, arrival=1.0),
    ]
    blocks = heard(coming)
    check(blocks)
    assert [block.rate for block in blocks] == [48000] * 25 + [8000] * 25 + [48000] * 25


@pytest.mark.parametrize("begin", [0, 1 << 31, -(1 << 31), 77_777_777, -96_000])
@pytest.mark.parametrize("pause", [0.0, 0.03, 0.5])
def test_it_goes_on_with_another_rtp_stream(begin: int, pause: float) -> None:
    coming = frames("opus", TONES["opus"][:25], begin=1_000_000)
    coming += frames("opus", TONES["opus"][25:], begin=1_000_000 + begin, arrival=0.5 + pause)
    blocks = heard(coming)
    check(blocks)
    assert len(blocks) == 50 + (25 if pause == 0.5 else 0)


def test_silence_takes_the_place_of_what_does_not_come() -> None:
    timeline = SoundTimeline()
    assert timeline.wait(100.0) == []
    coming = frames("opus", TONES["opus"])
    blocks = [block for frame in coming[:20] for block in timeline.hear(frame, {1})]
    for tenths in range(5, 10):
        blocks += timeline.wait(tenths / 10)
    check(blocks)
    # 0.38 is when the last came, and 0.4 what was heard by then.
    assert len(blocks) == 20 + 26
    assert not joined(blocks[25:]).any()
    late = [frame._replace(arrival=1.0) for frame in coming[20:46]]
    assert [block for frame in late for block in timeline.hear(frame, {1})] == []
    blocks += [block for frame in coming[46:] for block in timeline.hear(frame, {1})]
    check(blocks)
    assert len(blocks) == 50


def test_a_clock_that_stood_still_is_followed() -> None:
    timeline = SoundTimeline()
    blocks = [
        block for frame in frames("opus", TONES["opus"][:20]) for block in timeline.hear(frame, {1})
    ]
    for seconds in (1, 2, 3):
        blocks += timeline.wait(seconds)
    for frame in frames("opus", TONES["opus"][20:], begin=20 * BLOCK, arrival=3.5):
        blocks += timeline.hear(frame, {1})
    check(blocks)
    assert level(blocks[-1].sound[1]) > 5000
    assert len(blocks) >= 150 + 15


def test_a_very_long_gap_is_a_step() -> None:
    timeline = SoundTimeline()
    for frame in frames("opus", TONES["opus"]):
        timeline.hear(frame, {1})
    later = frames("opus", TONES["opus"][:1], begin=3600 * CLOCK, arrival=3600.0)
    blocks = timeline.hear(later[0], {1})
    assert len(blocks) < 10
    assert blocks[-1].timestamp == 3600 * CLOCK


def test_more_channels_join_in_the_middle_of_a_block() -> None:
    short = packets("opus", tone(440, CLOCK, 0.2))
    timeline = SoundTimeline()
    coming = frames("opus", short)
    coming = [coming[0], *(each._replace(timestamp=each.timestamp + 480) for each in coming[1:])]
    seen = [
        (set(block.sound), block)
        for number, frame in enumerate(coming)
        for block in timeline.hear(frame, {1} if number < 3 else {1, 2} if number < 6 else {2})
    ]
    check([block for _, block in seen])
    assert [sorted(channels) for channels, _ in seen][-1] == [2]
    assert [1, 2] in [sorted(channels) for channels, _ in seen]


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*SOUND_CODECS]),
        st.integers(0, 49),
        st.one_of(st.just(1), st.integers(-5, 200), st.integers(-(1 << 33), 1 << 33)),
        st.sampled_from([0.0, 0.02, 0.05, 0.6, 30.0]),
        st.sampled_from([{1}, {2}, {1, 2}]),
        st.sampled_from([b"", b"\xf8", b"\xff", None, None, None]),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_time_goes_on(
    steps: list[tuple[str, int, int, float, set[int], bytes]],
) -> None:
    timeline = SoundTimeline()
    now, timestamp, ends = 0.0, 0, None
    for codec, number, step, pause, channels, data in steps:
        now, timestamp = now + pause, timestamp + 960 * step
        coming = frames(codec, [data or TONES[codec][number]], begin=timestamp, arrival=now)[0]
        blocks = timeline.wait(now - 0.5) if pause > 0.5 else []
        blocks += timeline.hear(coming, channels)
        assert len(blocks) <= 110
        for block in blocks:
            check([block])
            assert ends is None or block.timestamp >= ends
            ends = block.timestamp + BLOCK
        # Nobody hears more than was to be heard until now, but for what may run ahead.
        assert ends is None or ends <= now * CLOCK + SoundTimeline.AHEAD + BLOCK * (len(steps) + 6)
