"""What ladders add to the CPU of calls: calls with and without them, in turns, in one process."""

import asyncio
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.accounts import HOST, passwords, user
from callboard.benchmarks.calls import Seat, Switchboard, seated
from callboard.benchmarks.result import Figure, Result
from callboard.benchmarks.trial import main, trial
from callboard.benchmarks.usage import cpu
from callboard.server import Prosody

#: Percent of what calls cost.
REACH = 3.0
#: Calls with each that come before those that count.
WARM = 3


async def called(port: int, authority: str, calls: int, seconds: float) -> dict[str, Any]:
    """Return the CPU of calls with ladders and without, in milliseconds, both ends together."""
    tune_garbage_collection()
    found: dict[str, list[float]] = {"on": [], "off": []}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        boards: dict[str, Switchboard] = {}
        for number, ladders in enumerate(found):
            boards[ladders], _ = await stack.enter_async_context(
                seated(
                    [2 * number, 2 * number + 1],
                    port,
                    authority,
                    str(Path(folder, ladders)),
                    ladders="all" if ladders == "on" else "off",
                )
            )
        for _ in range(WARM + calls):
            for number, ladders in enumerate(found):
                before = cpu()
                await _call(2 * number, boards[ladders], seconds)
                found[ladders].append(1000 * (cpu() - before))
        sizes = await asyncio.to_thread(_sizes, Path(folder, "on"))
    on, off = (values[WARM:] for values in found.values())
    return {
        "on": statistics.fmean(on),
        "off": statistics.fmean(off),
        # Pair by pair, as the machine's pace changes; the median, as it has hiccups.
        "more": statistics.median(one - other for one, other in zip(on, off, strict=True)),
        "kept": statistics.fmean(sizes),
    }


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*.ladders/*.jsonl")]


async def _call(number: int, board: Switchboard, seconds: float) -> None:
    caller, to = f"{user(number)}@{HOST}", f"{user(number + 1)}@{HOST}"
    call = await Seat.taken[caller].call(to, audio="tone:440")
    await board.until(lambda: board.took(caller, call.id, "first-audio") is not None)
    await board.until(lambda: board.took(to, call.id, "first-audio") is not None)
    await _held(board, caller, call.id, seconds)
    await call.hangup()
    await board.until(
        lambda: all(board.calls[one, call.id].phase == "ended" for one in (caller, to))
    )


async def _held(board: Switchboard, account: str, call: str, seconds: float) -> None:
    """Return when media have flowed for so long; the status that is reported each second tells."""
    await board.until(lambda: board.calls[account, call].seconds >= seconds)


async def measure(quick: bool) -> Result:
    """Measure."""
    calls, seconds = (2, 0.0) if quick else (60, 1.0)
    async with Prosody(passwords(4)) as prosody:
        found = await trial(
            called,
            port=prosody.port,
            authority=str(prosody.certificate),
            calls=calls,
            seconds=seconds,
        )
    share = 100 * found["more"] / found["off"]
    return Result(
        "Ladders",
        f"{calls} calls of {seconds:g} s with ladders that are all kept on the disk, and as many "
        "without, in turns, in one process that has both ends. The difference is the median of "
        "the pairs'.",
        [
            Figure("CPU of a call, ms", found["on"], {"without ladders": found["off"]}),
            Figure("what ladders add, percent", share, reach=f"<= {REACH:g}", met=share <= REACH),
            Figure("a ladder on the disk, KiB", found["kept"] / 1024),
        ],
    )


if __name__ == "__main__":
    main(measure, {"called": called})
