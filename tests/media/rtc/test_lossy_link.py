"""A link that loses and reorders packets: call and recording go on, and the counters say so."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from callboard.media import Direction, Recording, Tone, Writer, inspect
from callboard.media.rtc.rtp.quality import mean_opinion_score
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness
from callboard.tests.media.calls import samples
from callboard.tests.media.legs import Leg
from callboard.tests.media.lossy import call_over, road


def test_five_percent_are_lost_and_five_come_late(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        with Writer() as writer:
            async with (
                road() as link,
                call_over(link, audio=Tone(440), back_audio=Tone(1000)) as (a, b),
            ):
                recording = Recording(writer.place(tmp_path, "lossy"), video=True, writer=writer)
                a.pc.media.add_sink(recording.write)
                await a.counted("audio", 50)
                clean = a.statistics("audio")
                assert clean.lost == 0
                link.lost = link.late = 0.05
                await a.counted("audio", 250)
                bad = a.statistics("audio")
                skipped = left_out(b)
                assert bad.lost > 0
                assert bad.reordered > clean.reordered == 0
                # How many of two hundred are lost is chance; what that does to the sound is not.
                share = bad.lost / (bad.lost + bad.received)
                assert share < 0.1
                assert bad.mos <= mean_opinion_score("opus", lost=share)
                finished = await recording.close()
        assert finished is not None
        found = inspect(finished.path)
        assert finished.path.suffix == ".ogg"
        theirs = samples(finished.path)[1]
        length = found.seconds * 48000
        loud = [np.abs(theirs[at : at + 960]).max() > 0.01 for at in range(0, int(length), 960)]
        # No more is missing than was lost or never sent; what came late is in its place.
        # A machine that holds the loop up leaves out more, at both ends and at the recording's.
        held_up = round(2 * 50 * lateness())
        assert loud.count(False) <= bad.lost + skipped + 15 + held_up
        assert loud.count(True) > 100

    run(main)


def left_out(leg: Leg) -> int:
    """How many packets a leg has not sent in time, on a busy machine."""
    stamps = [frame.timestamp for frame in leg.seen("audio", Direction.SENT)]
    return sum(later - earlier - 960 for earlier, later in pairwise(stamps)) // 960
