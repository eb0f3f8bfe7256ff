"""Each packet of a leg against its floor: system calls and SRTP alone, in the same turns."""

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from callboard.benchmarks import floor
from callboard.benchmarks.leg import callboard
from callboard.benchmarks.played import PACKETS, make_file, make_pictures
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns

Found = list[dict[str, Any]]


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    seconds, times = (0.3, 1) if quick else (5.0, 3)
    recorded, counted, hd = (1, 1, 1) if quick else (40, 60, 20)
    with tempfile.TemporaryDirectory() as folder:
        sound, pictures = Path(folder, "played.ogg"), Path(folder, "played.mkv")
        await asyncio.to_thread(make_file, sound, 2 if quick else 10)
        await asyncio.to_thread(make_pictures, pictures, 0.2 if quick else 4)
        common = {"seconds": seconds}
        floors, paced, record, none, with_pictures = await turns(
            times,
            lambda: trial(floor.packets, times=200 if quick else 40_000),
            lambda: trial(floor.paced_packets, legs=counted, seconds=seconds),
            lambda: trial(callboard, kind="record", file=str(sound), legs=recorded, **common),
            lambda: trial(callboard, kind="none", file=str(sound), legs=counted, **common),
            lambda: trial(callboard, kind="record", file=str(pictures), legs=hd, **common),
            together=quick,
        )
    hd_leg = "HD leg (720p30 VP8 1.5 Mbit/s + Opus), recorded"
    return Result(
        "Every packet near its floor",
        "So many legs in one process on one core, their peers in another process on another core. "
        "The floor is what a leg's packets cost in an empty loop, each by itself: one system call "
        "to send it and one to receive it, encrypted and decrypted as the legs have agreed, and "
        "nothing else; for an HD leg as many packets of pictures as came in. It is measured in the "
        "same turns; a ratio is the median of those within a turn. What the same calls cost in "
        "time with the clock, with sleep between and caches that have gone cold, is beside it. "
        "Counts are asked and departures watched before and after the seconds whose CPU counts.",
        [
            _against(f"sound leg, recorded, among {recorded}: ÷ its floor", record, floors, 4),
            _against(f"sound leg, counted, among {counted}: ÷ its floor", none, floors, 2.5),
            _against(f"{hd_leg}, among {hd}: ÷ its floor", with_pictures, floors, 3),
            Figure("CPU a sound leg, % of a core, recorded", middle(record, "cpu")),
            Figure("CPU a sound leg, % of a core, counted", middle(none, "cpu")),
            Figure("CPU an HD leg, % of a core, recorded", middle(with_pictures, "cpu")),
            Figure(
                "packets of pictures a second that came in on an HD leg",
                middle(with_pictures, "pictures"),
            ),
            Figure(
                "floor of a sound leg, % of a core",
                statistics.median(_floor(one, 0) for one in floors),
            ),
            Figure(
                "the same where all packets of a tick go out and come in together, every 20 ms",
                middle(paced, "sound") * PACKETS / 1e4,
            ),
            *(
                Figure(f"pacing error, p99 ms, {what}", middle(found, "late"))
                for what, found in (
                    (f"{recorded} recorded", record),
                    (f"{counted} counted", none),
                    (f"{hd} HD", with_pictures),
                )
            ),
        ],
    )


def _floor(costs: dict[str, float], pictures: float) -> float:
    """Return the percent of a core that a leg's packets cost at least."""
    return (costs["sound"] * PACKETS + costs["picture"] * pictures) / 1e4


def _against(what: str, found: Found, floors: Found, most: float) -> Figure:
    ratio = statistics.median(
        one["cpu"] / _floor(costs, one["pictures"])
        for one, costs in zip(found, floors, strict=True)
    )
    return Figure(what, ratio, reach=f"<= {most:g}", met=ratio <= most)


if __name__ == "__main__":
    main(measure)
