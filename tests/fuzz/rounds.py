"""How often the suite tries each property, and in which file: files run side by side."""

from collections.abc import Callable

from callboard.tests.fuzz.properties import PROPERTIES

ROUNDS = 8
"""Of each property, with 50 examples each: a minute of the suite. ``script/fuzz`` has hours."""

FEWER = {
    "streaming": 2,
    "account": 2,
    "sifting": 2,
    "parting": 1,
    "agreement": 4,
    "invasion": 4,
}
"""Rounds where each example has an event loop of its own, and two logins or actors on it, or is
several whole offers or a conversation of two sessions."""

BETWEEN_TWO = {"agreement", "invasion"}
"""Properties of two sessions that talk to each other: as long as all the others together."""


def rounds(wanted: Callable[[str], bool]) -> list[tuple[str, int]]:
    """Name the rounds of some properties: property and number."""
    return [
        (name, number)
        for name in PROPERTIES
        if wanted(name)
        for number in range(1, FEWER.get(name, ROUNDS) + 1)
    ]
