"""Times of a track: always forward, never far from the clock on the wall."""

from itertools import pairwise

import pytest
from callboard.media.frames.frame import EncodedFrame
from callboard.media.recording.track_timeline import TOLERANCE, TrackTimeline
from hypothesis import given
from hypothesis import strategies as st


def frame(timestamp: int, arrival: float) -> EncodedFrame:
    return EncodedFrame("audio", "opus", b"\xf8\xff\xfe", timestamp, 48000, arrival, True)


def places(frames: list[tuple[int, float]]) -> list[float]:
    timeline = TrackTimeline(100.0)
    found = [timeline.place(frame(timestamp, arrival)) for timestamp, arrival in frames]
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


@given(
    st.lists(
        st.tuples(st.integers(-(2**40), 2**40), st.floats(0, 0.5, allow_nan=False)), max_size=80
    )
)
def test_times_advance_and_stay_near_the_wall(steps: list[tuple[int, float]]) -> None:
    timeline = TrackTimeline(100.0)
    arrival, last = 100.0, -1.0
    for timestamp, wait in steps:
        arrival += wait
        place = timeline.place(frame(timestamp, arrival))
        if place is not None:
            assert place > last
            assert 0 <= place <= arrival - 100 + TOLERANCE
            last = place
