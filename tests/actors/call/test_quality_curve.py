"""How media came through over time, in bounded room."""

from itertools import pairwise

from callboard.actors.call.quality_curve import MOST, QualityCurve
from callboard.ladder.ladder import QUALITY
from callboard.media import MediaStatistics
from hypothesis import given
from hypothesis import strategies as st


def counted(second: int, kind: str = "audio", rtt: float | None = None) -> MediaStatistics:
    """What a call has counted after so many seconds, of which each loses a packet."""
    return MediaStatistics(
        kind="audio" if kind == "audio" else "video",
        codec="opus",
        sent=50 * second,
        received=49 * second,
        lost=second,
        jitter_ms=1.25,
        rtt_ms=rtt,
        mos=4.2,
    )


@given(st.integers(0, 5_000), st.integers(0, 300))
def test_it_is_bounded_and_loses_nothing_that_was_counted(seconds: int, video_from: int) -> None:
    curve = QualityCurve()
    for second in range(seconds):
        media = [counted(second)]
        if second >= video_from:
            media.append(counted(second, "video"))
        curve.add(second + 0.01, media)
    for columns in curve.columns().values():
        assert set(columns) == {"at", *QUALITY}
        at = [one for one in columns["at"] if one is not None]
        assert 1 <= len(at) <= MOST
        gaps = [later - earlier for earlier, later in pairwise(at)]
        assert all(gap > 0.5 for gap in gaps)
        assert max(gaps, default=0) <= 4 * max(1, seconds / MOST)
        lost = [one for one in columns["lost"] if one is not None]
        assert lost == [round(one) for one in at]
        assert columns["rtt_ms"] == (None,) * len(at)


def test_what_is_measured_more_often_is_not_kept_more_often() -> None:
    curve = QualityCurve()
    for tenth in range(100):
        curve.add(tenth / 10, [counted(tenth, rtt=20.0)])
    assert len(curve.columns()["audio"]["at"]) <= 20
    assert set(curve.columns()["audio"]["rtt_ms"]) == {20.0}


def test_there_is_nothing_before_media() -> None:
    assert QualityCurve().columns() == {}
