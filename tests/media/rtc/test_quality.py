"""The E-model at known points."""

import pytest
from callboard.media.rtc.rtp.quality import mean_opinion_score, opinion, rating


def test_an_ideal_connection_is_rated_as_in_g107() -> None:
    assert rating("PCMU", lost=0, delay_ms=0) == pytest.approx(93.2)
    assert opinion(93.2) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("r", "mos"), [(0, 1.0), (50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34), (100, 4.5)]
)
def test_the_scale_of_annex_b(r: float, mos: float) -> None:
    assert opinion(r) == pytest.approx(mos, abs=0.01)


def test_delay_counts_from_100_ms() -> None:
    assert rating("opus", lost=0, delay_ms=100) == pytest.approx(93.2)
    assert 80 < rating("opus", lost=0, delay_ms=250) < 90
    assert 60 < rating("opus", lost=0, delay_ms=400) < 75


def test_loss_counts_by_equation_7_29() -> None:
    assert rating("PCMA", lost=0.05, delay_ms=0) == pytest.approx(93.2 - 95 * 5 / 30.1)
    assert rating("PCMA", lost=1, delay_ms=1000) < 20


def test_worse_never_sounds_better() -> None:
    scores = [mean_opinion_score("opus", lost=lost / 100, rtt_ms=lost * 10.0) for lost in range(99)]
    assert scores == sorted(scores, key=lambda mos: -(mos or 0))
    assert mean_opinion_score("VP8", lost=0) is None
