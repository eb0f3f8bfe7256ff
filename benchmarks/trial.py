"""Trials: each runs in a process of its own, so that none finds what another has left."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import uvloop
from callboard.benchmarks.result import Result
from callboard.benchmarks.usage import allow_files, here

Trial = Callable[..., Coroutine[Any, Any, dict[str, Any]]]
Measure = Callable[[bool], Coroutine[Any, Any, Result]]

#: Trials of names that begin so run on asyncio's own loop, as the library comes; others on uvloop.
PLAIN = "plain_"
#: Seconds that one trial may take.
PATIENCE = 600.0


class TrialError(Exception):
    """A trial failed; what it printed last tells why."""


async def trial(function: Trial, **arguments: Any) -> dict[str, Any]:
    """Run a trial in a process of its own.

    Args:
        function: a coroutine function of the program that runs, known to its `main`.
        arguments: what it is given; anything that JSON has.

    Returns:
        what the function returned.

    Raises:
        TrialError: the process failed.
    """
    if here.get():
        return await function(**arguments)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        sys.modules[function.__module__].__file__ or "",
        *("--trial", function.__name__, "--arguments", json.dumps(arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, error = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = error.decode(errors="replace").strip().splitlines()[-15:]
        raise TrialError(f"{function.__name__} {arguments}:\n" + "\n".join(last))
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    say(f"{function.__name__} {_short(arguments)} -> {_short(found)}")
    return found


async def turns(
    times: int, *trials: Callable[[], Awaitable[dict[str, Any]]], together: bool = False
) -> list[list[dict[str, Any]]]:
    """Run trials in turns, A B A B, so that a machine that changes its pace changes it for all.

    Args:
        times: how often each.
        trials: start one each.
        together: all at once instead, where figures don't count.

    Returns:
        for each, what its turns returned.
    """
    if together:
        return [[one] for one in await asyncio.gather(*(start() for start in trials))]
    found: list[list[dict[str, Any]]] = [[] for _ in trials]
    for _ in range(times):
        for index, start in enumerate(trials):
            found[index].append(await start())
    return found


def say(text: str) -> None:
    """Tell who waits what goes on."""
    sys.stderr.write(f"{text}\n")


def main(measure: Measure, trials: Mapping[str, Trial] | None = None) -> None:
    """Be a benchmark's program: measure and print, or be one trial of it.

    Args:
        measure: told whether only a smoke run is wanted; returns what it found.
        trials: the functions that `trial` may run, by name.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--quick", action="store_true", help="show that it runs; no real figures")
    parser.add_argument("--trial", help=argparse.SUPPRESS)
    parser.add_argument("--arguments", default="{}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    allow_files()
    if given.trial is None:
        here.set(given.quick)
        sys.stdout.write(str(asyncio.run(measure(given.quick))))
        return
    logging.basicConfig(level=logging.ERROR)
    function = (trials or {})[given.trial]
    factory = asyncio.new_event_loop if given.trial.startswith(PLAIN) else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        found = runner.run(function(**json.loads(given.arguments)))
    sys.stdout.write(f"{json.dumps(found)}\n")


def _short(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
        if "/" not in str(value) and len(str(value)) < 200
    )
