"""When a ladder tells how media come through: now and then, and when that changes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from callboard.actors.call.quality_notes import QualityNotes, qualities, quality
from callboard.media import MediaStatistics

pytestmark = pytest.mark.unit


def counted(received: int, lost: int = 0, kind: str = "audio") -> MediaStatistics:
    return MediaStatistics(
        kind=kind,  # type: ignore[arg-type]
        codec="opus",
        sent=received,
        received=received,
        lost=lost,
        jitter_ms=1.23,
        rtt_ms=40.0,
        mos=4.4,
    )


def seconds_told(notes: QualityNotes, lost_in: dict[int, int], until: int) -> Iterator[int]:
    """Look each second at 50 packets, of which some are lost; give the seconds with a rung."""
    lost = 0
    for second in range(1, until + 1):
        lost += lost_in.get(second, 0)
        if list(notes.look(second, [counted(50 * second - lost, lost)])):
            yield second


def test_it_is_told_now_and_then() -> None:
    assert list(seconds_told(QualityNotes(), {}, 200)) == [5, 30, 90, 150]


def test_it_is_told_when_it_gets_poor_and_when_it_is_well_again() -> None:
    lost = dict.fromkeys(range(10, 14), 25)
    assert list(seconds_told(QualityNotes(), lost, 29)) == [5, 10, 14]


def test_poor_and_well_are_said_in_words() -> None:
    notes = QualityNotes()
    assert not list(notes.look(1, [counted(50)]))
    [poor] = notes.look(2, [counted(75, 25)])
    assert poor.startswith("audio comes in poorly: 50% lost in a second; audio in: 25.0% lost")
    [well] = notes.look(3, [counted(125, 25)])
    assert well.startswith("audio comes in well again")


def test_a_pause_is_not_poor() -> None:
    notes = QualityNotes()
    assert not list(notes.look(1, [counted(50)]))
    assert not list(notes.look(2, [counted(50, 5)]))


def test_quality_in_words() -> None:
    assert quality(counted(99, 1)) == "audio in: 1.0% lost, jitter 1.2 ms, rtt 40.0 ms, MOS 4.40"
    assert quality(counted(0)) == "audio: nothing received, 0 packets sent"


def test_what_the_peer_reports_is_told_beside_what_comes_in() -> None:
    reported = replace(counted(200), peer_lost=3, peer_jitter_ms=2.34)
    assert list(qualities(reported)) == [
        quality(reported),
        "audio out, as the peer reports: 1.5% lost, jitter 2.3 ms",
    ]
    assert list(qualities(counted(200))) == [quality(counted(200))]
    [share] = [*qualities(replace(reported, peer_lost=1 << 23))][1:]
    assert "100.0% lost" in share
