"""How often the suite tries each property, and in which file: files run side by side."""

from collections.abc import Callable

from callboard.tests.fuzz.properties import PROPERTIES

ROUNDS = 32
"""Of each property, with 50 examples each: minutes for the suite. ``script/fuzz`` has hours."""

FEWER = {
    "streaming": 8,
    "account": 8,
    "sifting": 8,
    "parting": 4,
    "agreement": 16,
    "invasion": 16,
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
