"""How many legs one core carries, of sound and of pictures, and how many of aiortc's."""

import asyncio
import os
import tempfile
from pathlib import Path

from callboard.benchmarks.leg import callboard, plain_aiortc
from callboard.benchmarks.played import make_file, make_pictures
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import TrialError, main, say, trial, turns

#: Packets of sound a second that each leg must keep, and how late one may leave in 99 of 100 cases.
ENOUGH, LATE = 49.5, 0.020
#: How many legs are tried, of each sort.
SOUND = (20, 30, 40, 50, 65, 80, 100, 125, 150, 200, 250, 300, 400, 500, 650, 800)
HD = (2, 3, 4, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 65, 80, 100, 125, 150, 200, 250)
#: Legs of aiortc's: so few that it keeps up with them where it can. At ten of sound it does not.
FEW, ONE = 4, 1
#: Above this load somebody else is at work.
BUSY = 1.5
TOO_BUSY = (
    "The limits were not looked for: the machine had something else to do, and they would be its. "
    "Run `script/bench core` when it has not."
)


async def capacity(file: str, counts: tuple[int, ...], seconds: float) -> int:
    """Return how many recorded legs one core carries, of these numbers; 0 if not the first."""
    held, low, high = 0, 0, len(counts)
    while low < high:  # each number costs half a minute: look in the middle
        at = (low + high) // 2
        if await _carries(file, counts[at], seconds):
            held, low = counts[at], at + 1
        else:
            high = at
    return held


async def _carries(file: str, legs: int, seconds: float) -> bool:
    try:
        found = await trial(callboard, kind="record", file=file, legs=legs, seconds=seconds)
    except TrialError as error:
        say(str(error))
        return False
    slowest = min(found["sent"], found["received"])
    return bool(slowest >= ENOUGH and not found["lost"] and found["late"] < LATE * 1000)


async def measure(quick: bool) -> Result:
    """Look for the limits, and measure aiortc where it has not reached its own."""
    seconds, times = (0.3, 1) if quick else (4.0, 2)
    few = ONE if quick else FEW
    notes = []
    with tempfile.TemporaryDirectory() as folder:
        sound, pictures = Path(folder, "played.ogg"), Path(folder, "played.mkv")
        await asyncio.to_thread(make_file, sound, 2 if quick else 10)
        await asyncio.to_thread(make_pictures, pictures, 0.2 if quick else 4)
        legs = hd_legs = None
        if quick:
            legs = hd_legs = int(await _carries(str(sound), 1, seconds))
        elif os.getloadavg()[0] > BUSY:
            notes.append(TOO_BUSY)
        else:
            legs = await capacity(str(sound), SOUND, seconds)
            hd_legs = await capacity(str(pictures), HD, seconds)
        common = {"kind": "record", "seconds": seconds}
        plain, plain_hd = await turns(
            times,
            lambda: trial(plain_aiortc, file=str(sound), legs=few, **common),
            lambda: trial(plain_aiortc, file=str(pictures), legs=ONE, **common),
            together=quick,
        )
    theirs, theirs_hd = (100 / middle(found, "cpu") for found in (plain, plain_hd))
    return Result(
        "Legs on one core",
        "Recorded legs in one process on one core, their peers in another process on another core. "
        f"The limit is the largest number tried with >= {ENOUGH} packets of sound a second each "
        "way on every leg, nothing lost, and a 99th percentile of the pacing error under "
        f"{LATE * 1000:.0f} ms. aiortc's legs play with MediaPlayer and record with MediaRecorder, "
        "on asyncio's loop, which encodes and decodes. They are taken where they do not saturate: "
        f"{few} legs of sound, {ONE} with pictures (720p30 VP8, in ours 1.5 Mbit/s); the number on "
        "one core is what their CPU a leg leaves room for, for fifty packets of sound a second.",
        [
            _row("sound legs on one core", legs, {"aiortc": theirs}),
            _row("HD legs on one core", hd_legs, {"aiortc": theirs_hd}),
            _ratio(
                "HD legs on one core ÷ sound legs on one core (nothing lost, pacing p99 < 20 ms)",
                hd_legs,
                legs,
                1 / 2.5,
                "1/2.5",
            ),
            _ratio("sound legs a core ÷ aiortc's as it comes", legs, theirs, 25, "25"),
            _ratio("HD legs a core ÷ aiortc's as it comes", hd_legs, theirs_hd, 25, "25"),
            Figure("CPU a leg of aiortc's, % of a core, sound", middle(plain, "cpu")),
            Figure("CPU a leg of aiortc's, % of a core, HD", middle(plain_hd, "cpu")),
        ],
        notes,
    )


def _row(what: str, legs: int | None, theirs: dict[str, float]) -> Figure:
    return Figure(what, legs, theirs, better="high")


def _ratio(what: str, one: float | None, other: float | None, least: float, said: str) -> Figure:
    if one is None or not other:
        return Figure(what, None, reach=f">= {said}")
    ratio = one / other
    return Figure(what, ratio, better="high", reach=f">= {said}", met=ratio >= least)


if __name__ == "__main__":
    main(measure)
