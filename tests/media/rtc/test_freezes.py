"""Freezes of received video, counted as webrtc-stats has it."""

import pytest
from callboard.media.rtc.rtp.video.freezes import Freezes

FRAME = 1 / 30


def shown(*steps: tuple[float, float | None], before: int = 30) -> Freezes:
    """Frames at 30 a second, and then some, each so long after the last, meant to be so."""
    found = Freezes()
    now = 100.0
    for _ in range(before):
        found.frame(now, meant=FRAME)
        now += FRAME
    now -= FRAME
    for step, meant in steps:
        now += step
        found.frame(now, meant=meant)
    return found


@pytest.mark.parametrize(
    ("step", "meant", "count"),
    [
        (FRAME + 0.149, None, 0),
        (FRAME + 0.151, None, 1),  # a + 150 ms
        (2.0, None, 1),
        (2.0, FRAME, 1),  # nothing is missing, but it came late
        (2.0, 2.0, 0),  # the peer sent nothing: it is muted
        (2.0, 1.9, 0),
    ],
)
def test_what_is_a_freeze(step: float, meant: float | None, count: int) -> None:
    found = shown((step, meant))
    assert found.count == count
    assert found.seconds == pytest.approx(step * count)


def test_three_times_the_average() -> None:
    found = Freezes()
    for number in range(31):
        found.frame(number * 0.2, meant=0.2)  # five a second: 350 ms are not enough
    found.frame(6.0 + 0.59, meant=None)
    assert found.count == 0
    found.frame(6.59 + 0.7, meant=None)
    assert found.count == 1


def test_only_the_last_thirty_count() -> None:
    found = shown((10.0, 10.0), *[(FRAME, FRAME)] * 29, (0.5, None))
    assert found.count == 0  # ten seconds of pause are in the average
    found = shown((10.0, 10.0), *[(FRAME, FRAME)] * 30, (0.5, None))
    assert found.count == 1


def test_the_one_that_goes_on_counts_once() -> None:
    found = shown()
    last = 100.0 + 29 * FRAME
    assert found.going_on(last + 0.1) is None
    freeze = found.going_on(last + 2)
    assert freeze is not None
    assert freeze.at == pytest.approx(last)
    assert freeze.seconds == pytest.approx(2)
    assert found.until(freeze).count == 1
    assert found.count == 0
    found.pause(freeze)
    assert (found.count, found.going_on(last + 9)) == (1, None)


def test_the_first_frames_and_those_after_a_pause_freeze_nothing() -> None:
    found = Freezes()
    found.frame(0.0, meant=None)
    found.frame(5.0, meant=None)
    assert found.count == 0
    found.pause(None)
    found.frame(50.0, meant=None)
    assert found.count == 0


def test_little_is_kept() -> None:
    found = shown(*[each for _ in range(500) for each in [(1.0, None), *[(FRAME, FRAME)] * 30]])
    assert found.count == 500
    assert found.seconds == pytest.approx(500)
    assert len(found.until(None).last) == Freezes.MOST
