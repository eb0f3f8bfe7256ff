"""Times of a track: always forward, never far from the clock on the wall."""

from collections.abc import Iterator
from itertools import accumulate, pairwise

import pytest
from callboard.media.frames.frame import EncodedFrame
from callboard.media.frames.sound_batch import SoundBatch
from callboard.media.recording.track_timeline import TOLERANCE, TrackTimeline, times_due
from hypothesis import given
from hypothesis import strategies as st


def frame(timestamp: int, arrival: float) -> EncodedFrame:
    return EncodedFrame("audio", "opus", b"\xf8\xff\xfe", timestamp, 48000, arrival, True)


def batched(frames: list[EncodedFrame], count: int) -> Iterator[list[EncodedFrame]]:
    """Give so many at a time (`itertools` has it from Python 3.12 on)."""
    for first in range(0, len(frames), count):
        yield frames[first : first + count]


def places(frames: list[tuple[int, float]]) -> list[float]:
    timeline = TrackTimeline(100.0)
    found = [timeline.place(frame(timestamp, arrival), arrival) for timestamp, arrival in frames]
    return [place for place in found if place is not None]


def test_jitter_of_arrival_does_not_show() -> None:
    frames = [(n * 960, 100 + n * 0.02 + (0.03 if n % 7 == 3 else 0)) for n in range(500)]
    found = places(frames)
    assert all(abs(b - a - 0.02) < 0.001 for a, b in pairwise(found))


def test_a_stall_keeps_the_times_of_its_frames() -> None:
    frames = [(n * 960, 100 + max(n * 0.02, 1.7 if n >= 50 else 0)) for n in range(200)]
    assert abs(places(frames)[60] - 60 * 0.02) < 0.05


@pytest.mark.parametrize("drift", [0.9999, 1.0001])
def test_drift_is_followed(drift: float) -> None:
    frames = [(round(n * 9600 * drift), 100 + n / 5) for n in range(5 * 3600)]
    assert abs(places(frames)[-1] - frames[-1][1] + 100) < 0.1


def test_a_late_first_frame_delays_nothing_after_it() -> None:
    frames = [(n * 960, 100 + max(n * 0.02, 0.5)) for n in range(200)]
    assert abs(places(frames)[-1] - 199 * 0.02) < 0.1


def test_a_hold_with_a_standing_clock_passes() -> None:
    frames = [(n * 960, 100 + n * 0.02 + (30 if n >= 100 else 0)) for n in range(200)]
    found = places(frames)
    assert abs(found[100] - 32) < 0.01


def test_a_source_that_begins_anew_goes_on() -> None:
    frames = [((n if n < 100 else n * 7 - 2**33) * 960, 100 + n * 0.02) for n in range(101)]
    assert abs(places(frames)[100] - 2) < 0.01


def test_a_frame_out_of_order_is_put_after_the_one_before_it() -> None:
    order = [0, 1, 3, 2, 4, 5]
    found = places([(n * 960, 100 + place * 0.02) for place, n in enumerate(order)])
    assert found == sorted(found)
    assert abs(found[-1] - 0.1) < 0.01


@pytest.mark.parametrize(
    ("jump", "late"),
    [(0, 0.3), (48_000 * 2, 0.14), (-48_000 * 2, 0.14)],
    ids=["one clock", "it leaps", "it goes back"],
)
def test_frames_of_one_clock_tell_by_how_much_those_before_were_late(
    jump: int, late: float
) -> None:
    frames = [frame(n * 960 + jump * (n >= 8), 100 + max(n * 0.02, 0.3)) for n in range(30)]
    found = [one.arrival - time for one, time in zip(frames, times_due(frames), strict=True)]
    assert found[0] == pytest.approx(late)
    assert found[7] == pytest.approx(late - 0.14)
    assert found[-1] == 0


@given(
    st.lists(
        st.tuples(st.integers(-(2**40), 2**40), st.floats(0, 0.5, allow_nan=False)), max_size=80
    ),
    st.integers(1, 80),
)
def test_times_advance_and_stay_near_the_wall(steps: list[tuple[int, float]], at_once: int) -> None:
    timeline = TrackTimeline(100.0)
    arrivals = accumulate((wait for _, wait in steps), initial=100.0)
    frames = [frame(step[0], arrival) for step, arrival in zip(steps, arrivals, strict=False)]
    last = -1.0
    for some in batched(frames, at_once):
        for one, due in zip(some, times_due(some), strict=True):
            assert one.arrival - TOLERANCE <= due <= one.arrival
            place = timeline.place(one, due)
            if place is not None:
                assert place > last
                assert 0 <= place <= one.arrival - 100 + TOLERANCE
                last = place


def mostly(usual: int, *others: int) -> st.SearchStrategy[int]:
    return st.sampled_from((*(usual,) * 20, *others))


@given(
    st.lists(
        st.tuples(mostly(960, 0, 1, 1920, -960, 48_000, -(2**33)), mostly(20, 0, 3, 90, 1300)),
        min_size=30,
        max_size=150,
    ),
    st.lists(mostly(0, 7, 31, 73), min_size=150, max_size=150),
    st.integers(1, 40),
    st.sampled_from([100.0, 100.3]),
)
def test_frames_are_placed_together_as_one_by_one(
    steps: list[tuple[int, int]], late: list[int], at_once: int, start: float
) -> None:
    """Steps are ticks and milliseconds; some frames come late, some clocks leap, stand or drift."""
    ticks = accumulate((step for step, _ in steps), initial=0)
    times = accumulate((wait for _, wait in steps), initial=100_000)
    frames = [
        # Not on an edge between two cases, where rounding would decide by more than itself.
        frame(tick, (time + held) / 1000 + 0.00037)
        for tick, time, held in zip(ticks, times, late, strict=False)
    ]
    together, single, even = TrackTimeline(start), TrackTimeline(start), TrackTimeline(start)
    for some in batched(frames, at_once):
        expected = [single.place(*one) for one in zip(some, times_due(some), strict=True)]
        assert together.place_all(some) == pytest.approx(expected, rel=0, abs=1e-9)
        sound = SoundBatch.joined(some)
        assert sound is not None
        placed = even.place_even(sound) if sound.is_even else None
        if placed is None:
            assert even.place_all(sound) == pytest.approx(expected, rel=0, abs=1e-9)
        else:
            assert placed == pytest.approx(expected, rel=0, abs=1e-9)
