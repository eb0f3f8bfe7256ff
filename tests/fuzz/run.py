"""Try the properties for a time: ``script/fuzz --minutes 60``."""

import argparse
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Collection

from callboard.tests.fuzz.properties import PROPERTIES

ROUND = 50
"""Examples tried between two looks at the clock: less than a second."""


def fuzz(names: Collection[str], seconds: float, start: int) -> Counter[str]:
    """Try properties in turns until the time is up, at least one round of each.

    Args:
        names: of the properties.
        seconds: for all of them together.
        start: number of the first round, to have the same again.

    Returns:
        how many examples of each were tried.

    Raises:
        Exception: of the first example that fails, with the round's number in its notes.
    """
    end = time.monotonic() + seconds
    tried: Counter[str] = Counter()
    for number in itertools.count(start):
        for name in names:
            try:
                PROPERTIES[name].try_out(number, ROUND)
            except Exception as error:
                error.add_note(f"again: script/fuzz --property {name} --round {number} --minutes 0")
                raise
            tried[name] += ROUND
        if time.monotonic() >= end:
            return tried
    raise AssertionError("unreachable")


def main() -> None:
    """Fuzz, and say what was tried."""
    parser = argparse.ArgumentParser(description=__doc__, prog="script/fuzz")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="how long (default: %(default)g)"
    )
    parser.add_argument("--property", choices=sorted(PROPERTIES), help="only this one")
    parser.add_argument("--round", type=int, help="the first round; default: by chance")
    given = parser.parse_args()
    start = secrets.randbits(32) if given.round is None else given.round
    names = [given.property] if given.property else list(PROPERTIES)
    tried = fuzz(names, given.minutes * 60, start)
    print("nothing found in", ", ".join(f"{count} of {name}" for name, count in tried.items()))  # noqa: T201


if __name__ == "__main__":
    main()
